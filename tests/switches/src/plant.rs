//! The copy: sources with switches planted. A switch is a number; `crate::switched(n)` is true when it is thrown.

use crate::kept;
use proc_macro2::Span;
use quote::{ToTokens, quote};
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Stmt, parse_quote};

/// Rooms whose every deciding line gets a switch.
const ROOMS: [&str; 2] = ["src/policy", "src/crypto"];
/// Numbers below this belong to the kept list.
const FIRST: u32 = 1_000;

const SWITCHED: &str = r#"
/// Whether a switch is thrown.
#[doc(hidden)]
pub fn switched(n: u32) -> bool {
    static THROWN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *THROWN.get_or_init(|| std::env::var("STRONGROOM_SWITCH").ok().and_then(|n| n.parse().ok()).unwrap_or(0)) == n
}
"#;

/// Copies the tree and plants; writes `switches.txt` beside it.
pub fn plant(from: &Path, to: &Path) -> Result<bool, String> {
    let _ = std::fs::remove_dir_all(to.join("src"));
    for name in
        ["src", "migrations", "templates", "config", "tests", "Cargo.lock", "docs", "benches", "scripts", "fuzz"]
    {
        copy(&from.join(name), &to.join(name))?;
    }
    let manifest = read(&from.join("Cargo.toml"))?;
    // The planted copy is not held to the house's lints.
    let plain = manifest.split("[lints.rust]").next().unwrap_or_default();
    write(&to.join("Cargo.toml"), plain)?;
    kept::apply(from, to)?;
    let lib = to.join("src/lib.rs");
    write(&lib, &(read(&lib)? + SWITCHED))?;
    let mut list = String::new();
    let mut next = FIRST;
    for room in ROOMS {
        let mut files = Vec::new();
        rust_files(&to.join(room), &mut files)?;
        files.sort();
        for file in files {
            let name = file.strip_prefix(to).unwrap_or(&file).display().to_string();
            if name.contains("/tests") || name.ends_with("tests.rs") || name.ends_with("reference.rs") {
                continue;
            }
            let mut tree = syn::parse_file(&read(&file)?).map_err(|e| format!("{name}: {e}"))?;
            let mut planter = Planter { next, name: &name, list: &mut list, closed: 0 };
            planter.visit_file_mut(&mut tree);
            next = planter.next;
            write(&file, &prettyplease::unparse(&tree))?;
        }
    }
    write(&to.join("switches.txt"), &list)?;
    println!("{} switches planted", next - FIRST);
    Ok(true)
}

struct Planter<'a> {
    next: u32,
    name: &'a str,
    list: &'a mut String,
    /// Depth of what runs at compile time only: constants, patterns of const functions.
    closed: usize,
}

impl Planter<'_> {
    fn number(&mut self, at: Span, what: &str, shown: &dyn ToTokens) -> u32 {
        let n = self.next;
        self.next += 1;
        let mut text = shown.to_token_stream().to_string();
        text.truncate(text.char_indices().nth(90).map_or(text.len(), |(i, _)| i));
        self.list.push_str(&format!("{n}\t{}:{}\t{what}\t{text}\n", self.name, at.start().line));
        n
    }

    /// The condition, never true and always true.
    fn condition(&mut self, cond: &mut Expr, was: &Expr) {
        if self.closed > 0 || has_let(cond) {
            return;
        }
        let (never, always) = (self.number(was.span(), "never", was), self.number(was.span(), "always", was));
        let old = cond.clone();
        *cond = parse_quote!(((#old) && !crate::switched(#never)) || crate::switched(#always));
    }

    fn operand(&mut self, side: &mut Expr, was: &Expr, and: bool) {
        if has_let(side) || matches!(side, Expr::Let(_)) {
            return;
        }
        let n = self.number(was.span(), if and { "without (and)" } else { "without (or)" }, was);
        let old = side.clone();
        *side = if and {
            parse_quote!(((#old) || crate::switched(#n)))
        } else {
            parse_quote!(((#old) && !crate::switched(#n)))
        };
    }

    fn compared(&mut self, expr: &mut Expr, was: &Expr) {
        let Expr::Binary(binary) = &*expr else { return };
        let (left, right) = (&binary.left, &binary.right);
        let other: Expr = match binary.op {
            BinOp::Eq(_) => parse_quote!(#left != #right),
            BinOp::Ne(_) => parse_quote!(#left == #right),
            BinOp::Lt(_) => parse_quote!(#left <= #right),
            BinOp::Le(_) => parse_quote!(#left < #right),
            BinOp::Gt(_) => parse_quote!(#left >= #right),
            BinOp::Ge(_) => parse_quote!(#left > #right),
            _ => return,
        };
        let n = self.number(was.span(), "compared otherwise", was);
        let old = expr.clone();
        *expr = parse_quote!((if crate::switched(#n) { #other } else { #old }));
    }
}

impl VisitMut for Planter<'_> {
    fn visit_item_mut(&mut self, item: &mut syn::Item) {
        let tests =
            |attrs: &[syn::Attribute]| attrs.iter().any(|a| quote!(#a).to_string().contains("cfg (test)"));
        match item {
            syn::Item::Const(_) | syn::Item::Static(_) | syn::Item::Macro(_) => {}
            syn::Item::Fn(f) if f.sig.constness.is_some() || tests(&f.attrs) => {}
            syn::Item::Mod(m) if tests(&m.attrs) => {}
            _ => visit_mut::visit_item_mut(self, item),
        }
    }
    fn visit_impl_item_mut(&mut self, item: &mut syn::ImplItem) {
        match item {
            syn::ImplItem::Const(_) => {}
            syn::ImplItem::Fn(f) if f.sig.constness.is_some() => {}
            _ => visit_mut::visit_impl_item_mut(self, item),
        }
    }
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
    fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Repeat(repeat) = expr {
            return self.visit_expr_mut(&mut repeat.expr);
        }
        // What is shown of a switch is the source as it was, not with the switches inside it.
        let was = expr.clone();
        visit_mut::visit_expr_mut(self, expr);
        match expr {
            Expr::If(branch) => {
                let Expr::If(before) = &was else { return };
                self.condition(&mut branch.cond, &before.cond);
            }
            Expr::Binary(binary) => {
                let and = matches!(binary.op, BinOp::And(_));
                if and || matches!(binary.op, BinOp::Or(_)) {
                    let Expr::Binary(before) = &was else { return };
                    self.operand(&mut binary.left, &before.left, and);
                    self.operand(&mut binary.right, &before.right, and);
                } else {
                    self.compared(expr, &was);
                }
            }
            Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Not(_)) && !of_bits(&unary.expr) => {
                let n = self.number(was.span(), "without !", &was);
                let old = expr.clone();
                *expr = parse_quote!(((#old) ^ crate::switched(#n)));
            }
            Expr::Macro(m) if m.mac.path.is_ident("matches") => {
                let n = self.number(m.span(), "otherwise", m);
                let old = expr.clone();
                *expr = parse_quote!(((#old) ^ crate::switched(#n)));
            }
            Expr::Call(call) => {
                let named = call.func.to_token_stream().to_string();
                if named.ends_with("fail_if")
                    && let Some(arg) = call.args.iter_mut().nth(1)
                {
                    let n = self.number(was.span(), "never fails", &was);
                    let old = arg.clone();
                    *arg = parse_quote!(((#old) && !crate::switched(#n)));
                }
            }
            _ => {}
        }
    }
    fn visit_arm_mut(&mut self, arm: &mut syn::Arm) {
        let was = arm.guard.as_ref().map(|(_, guard)| guard.clone());
        visit_mut::visit_arm_mut(self, arm);
        if let (Some((_, guard)), Some(was)) = (&mut arm.guard, &was) {
            self.condition(guard, was);
        }
    }
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        let was = stmt.clone();
        visit_mut::visit_stmt_mut(self, stmt);
        let Stmt::Expr(expr, Some(_)) = &was else { return };
        if matches!(expr, Expr::Try(_) | Expr::MethodCall(_)) || is_or_assign(expr) {
            let n = self.number(expr.span(), "left out", expr);
            let old = stmt.clone();
            *stmt = parse_quote!(if !crate::switched(#n) { #old });
        }
    }
}

/// A complement of bits, which is no truth that could be turned.
fn of_bits(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if call.func.to_token_stream().to_string() == "mask")
}

fn is_or_assign(expr: &Expr) -> bool {
    matches!(expr, Expr::Binary(b) if matches!(b.op, BinOp::BitOrAssign(_)))
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        _ => false,
    }
}

fn rust_files(dir: &Path, into: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in std::fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            rust_files(&path, into)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

/// Copies a file or a tree, and touches nothing that is the same already (so that the build stays incremental).
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", from.display());
    if from.is_dir() {
        std::fs::create_dir_all(to).map_err(failed)?;
        for entry in std::fs::read_dir(from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    std::fs::copy(from, to).map(|_| ()).map_err(failed)
}

pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
