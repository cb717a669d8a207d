//! Countries: ISO 3166-1 alpha-2, officially assigned codes only.
//!
//! A code nobody assigned never enters the vault, because the judge compares regions by code (C27).

use super::{Invalid, Plain};

/// The officially assigned codes, ascending, two letters each. Source: ISO 3166-1 as published by the maintenance agency.
const ASSIGNED: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCD\
     CFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGF\
     GGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN\
     KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNA\
     NCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI\
     SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI\
     VNVUWFWSYEYTZAZMZW";

/// Whether two upper-case letters are an assigned country code.
pub fn is_known(code: &str) -> bool {
    code.len() == 2 && ASSIGNED.as_bytes().chunks_exact(2).any(|known| known == code.as_bytes())
}

/// Reads a country in either case; the canonical form is upper case.
pub(super) fn parse(text: &str) -> Result<Plain, Invalid> {
    let code = Plain::new(text.trim().to_ascii_uppercase());
    if is_known(&code) {
        return Ok(code);
    }
    Err(Invalid::whole("unknown_country", "Write a country as its two letters of ISO 3166-1, e.g. DE."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_ascending_and_holds_the_assigned_codes() {
        let codes: Vec<&[u8]> = ASSIGNED.as_bytes().chunks_exact(2).collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.windows(2).all(|w| w[0] < w[1]));
        for known in ["DE", "US", "AU", "KR", "GB", "ZW", "AD"] {
            assert!(is_known(known), "{known}");
        }
    }

    #[test]
    fn a_country_is_two_known_letters_in_either_case() {
        assert_eq!(parse(" de ").unwrap().as_str(), "DE");
        for bad in ["", "D", "DEU", "XX", "EU", "UK", "49", "\u{ff24}\u{ff25}", "\u{df}"] {
            assert_eq!(parse(bad).unwrap_err().code, "unknown_country", "{bad}");
        }
    }
}
