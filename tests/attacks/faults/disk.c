/* A layer between the vault and its disk, loaded before libc: writes down every change of files below a directory, and
 * fails a call on demand. The journal is what a test needs to make the disk a power cut would leave.
 *
 *   STRONGROOM_DISK_ROOT     files below this directory are watched
 *   STRONGROOM_DISK_JOURNAL  where changes are written down
 *   STRONGROOM_DISK_FAIL     "sync|write:ERRNO:K:PART": the K-th such call on a path that contains PART fails
 *
 *   STRONGROOM_DISK_TROUBLE  a file; while it holds "ERRNO PART", every write and truncation on paths that contain PART fails
 *   STRONGROOM_CLOCK         a file; the wall clock is off by the seconds it holds
 *
 * A record: kind 1, length of path 4, path, offset 8, length 4, bytes; numbers in the machine's order.
 *   W bytes at offset   T length in offset   S synced   R renamed, new path in bytes   U removed   D directory synced
 *
 * What it does not see: changes through a mapping (SQLite's -shm, which is made anew from the log after a crash), io_uring,
 * and system calls made without libc. The vault does none of these but the first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[4096];
static size_t root_len;
static int journal = -2;
static char fail_kind;
static int fail_errno;
static long fail_at;
static long fail_seen;
static char fail_part[256];
static int trouble = -1;
static int clock_file = -1;

static void start(void) {
  if (journal != -2) return;
  journal = -1;
  const char *dir = getenv("STRONGROOM_DISK_ROOT");
  const char *to = getenv("STRONGROOM_DISK_JOURNAL");
  const char *fail = getenv("STRONGROOM_DISK_FAIL");
  const char *file = getenv("STRONGROOM_DISK_TROUBLE");
  if (file) trouble = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0);
  file = getenv("STRONGROOM_CLOCK");
  if (file) clock_file = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0);
  if (!dir) return;
  snprintf(root, sizeof root, "%s", dir);
  root_len = strlen(root);
  if (to) journal = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fail) {
    char kind[16] = "";
    if (sscanf(fail, "%15[a-z]:%d:%ld:%255s", kind, &fail_errno, &fail_at, fail_part) >= 3) fail_kind = kind[0];
  }
}

/* The path of a descriptor below the root, or 0. */
static int watched(int fd, char *path, size_t size) {
  char link[64];
  start();
  if (!root_len) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, size - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return strncmp(path, root, root_len) == 0 && strstr(path, "-shm") == NULL;
}

static int below(const char *given, char *path, size_t size) {
  start();
  if (!root_len) return 0;
  if (given[0] == '/') {
    snprintf(path, size, "%s", given);
  } else {
    char here[2048];
    if (!getcwd(here, sizeof here)) return 0;
    snprintf(path, size, "%s/%s", here, given);
  }
  return strncmp(path, root, root_len) == 0;
}

static void note(char kind, const char *path, uint64_t offset, const void *bytes, uint32_t length) {
  if (journal < 0) return;
  uint32_t path_len = (uint32_t)strlen(path);
  struct iovec parts[6] = {{&kind, 1},   {&path_len, 4}, {(void *)path, path_len},
                           {&offset, 8}, {&length, 4},   {(void *)bytes, length}};
  size_t all = 17 + (size_t)path_len + length;
  if ((size_t)syscall(SYS_writev, journal, parts, 6) != all) abort();
}

/* Whether this call is the one that fails. */
static int fails(char kind, const char *path) {
  if (fail_kind != kind || (fail_part[0] && !strstr(path, fail_part))) return 0;
  return __sync_add_and_fetch(&fail_seen, 1) == fail_at;
}

/* Whether the disk is in trouble for this path, and which. */
static int troubled(const char *path) {
  char text[300], part[256] = "";
  int why = 0;
  if (trouble < 0) return 0;
  ssize_t n = syscall(SYS_pread64, trouble, text, sizeof text - 1, 0);
  if (n <= 0) return 0;
  text[n] = 0;
  if (sscanf(text, "%d %255s", &why, part) < 1 || (part[0] && !strstr(path, part))) return 0;
  return why;
}

int clock_gettime(clockid_t id, struct timespec *at) {
  char text[32];
  start();
  int done = (int)syscall(SYS_clock_gettime, id, at);
  if (done == 0 && clock_file >= 0 && id == CLOCK_REALTIME) {
    ssize_t n = syscall(SYS_pread64, clock_file, text, sizeof text - 1, 0);
    if (n > 0) {
      text[n] = 0;
      at->tv_sec += strtol(text, NULL, 10);
    }
  }
  return done;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off64_t offset, int at) {
  char path[4096];
  if (!watched(fd, path, sizeof path))
    return at ? syscall(SYS_pwrite64, fd, bytes, length, offset) : syscall(SYS_write, fd, bytes, length);
  int why = fails('w', path) ? fail_errno : troubled(path);
  if (why) {
    errno = why;
    return -1;
  }
  pthread_mutex_lock(&lock);
  if (!at) {
    struct stat64 st;
    int flags = fcntl(fd, F_GETFL);
    offset = (flags & O_APPEND) && fstat64(fd, &st) == 0 ? st.st_size : lseek64(fd, 0, SEEK_CUR);
  }
  ssize_t n = at ? syscall(SYS_pwrite64, fd, bytes, length, offset) : syscall(SYS_write, fd, bytes, length);
  if (n > 0) note('W', path, (uint64_t)offset, bytes, (uint32_t)n);
  pthread_mutex_unlock(&lock);
  return n;
}

ssize_t pwrite(int fd, const void *b, size_t n, off_t at) { return write_at(fd, b, n, at, 1); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) { return write_at(fd, b, n, at, 1); }
ssize_t write(int fd, const void *b, size_t n) { return write_at(fd, b, n, 0, 0); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  char path[4096];
  if (!watched(fd, path, sizeof path)) return syscall(SYS_writev, fd, parts, count);
  ssize_t all = 0;
  for (int i = 0; i < count; i++) {
    ssize_t n = write_at(fd, parts[i].iov_base, parts[i].iov_len, 0, 0);
    if (n < 0) return all ? all : -1;
    all += n;
    if ((size_t)n < parts[i].iov_len) break;
  }
  return all;
}

static int sync_of(int fd, long call) {
  char path[4096];
  if (!watched(fd, path, sizeof path)) return (int)syscall(call, fd);
  if (fails('s', path)) {
    errno = fail_errno;
    return -1;
  }
  /* What is written from here on is not part of this sync: taken before it starts. */
  pthread_mutex_lock(&lock);
  int done = (int)syscall(call, fd);
  struct stat64 st;
  if (done == 0) note(fstat64(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'D' : 'S', path, 0, "", 0);
  pthread_mutex_unlock(&lock);
  return done;
}

int fsync(int fd) { return sync_of(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_of(fd, SYS_fdatasync); }

static int cut(int fd, off64_t length) {
  char path[4096];
  if (!watched(fd, path, sizeof path)) return (int)syscall(SYS_ftruncate, fd, length);
  int why = troubled(path);
  /* A full disk has room for less. */
  if (why && why != ENOSPC) {
    errno = why;
    return -1;
  }
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_ftruncate, fd, length);
  if (done == 0) note('T', path, (uint64_t)length, "", 0);
  pthread_mutex_unlock(&lock);
  return done;
}
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

int unlink(const char *given) {
  char path[4096];
  int seen = below(given, path, sizeof path);
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_unlinkat, AT_FDCWD, given, 0);
  if (done == 0 && seen) note('U', path, 0, "", 0);
  pthread_mutex_unlock(&lock);
  return done;
}

int rename(const char *from, const char *to) {
  char path[4096], new_path[4096];
  int seen = below(from, path, sizeof path) && below(to, new_path, sizeof new_path);
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  if (done == 0 && seen) note('R', path, 0, new_path, (uint32_t)strlen(new_path));
  pthread_mutex_unlock(&lock);
  return done;
}
