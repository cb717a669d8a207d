//! Field types: what a value must be, how it is normalised, masked and indexed (the code is in `value/`).

/// The closed list of field types of the policy file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum FieldType {
    /// A person's name.
    PersonName = 1,
    /// A postal address: a composite of line1..3, city, postcode, state, country.
    PostalAddress = 2,
    /// An e-mail address.
    Email = 3,
    /// A telephone number in E.164.
    Phone = 4,
    /// A company's name.
    Company = 5,
    /// A tax id: a national scheme when named (`DE:…`), else 4–20 letters and digits.
    TaxId = 6,
    /// An IBAN.
    Iban = 7,
    /// A payment processor's reference: composite of processor, reference, brand?, last4?, expiry?.
    ProcessorRef = 8,
    /// A birth date, `YYYY-MM-DD`.
    BirthDate = 9,
    /// An ISO 3166-1 alpha-2 country.
    Country = 10,
    /// An IP address; stored truncated to /24 or /48 unless the policy says otherwise.
    IpAddress = 11,
    /// A user agent; only its family is stored.
    UserAgent = 12,
    /// Free text.
    FreeText = 13,
    /// Money: composite of amount and currency.
    Money = 14,
    /// A password: verify-only, argon2id; never returned by any route.
    Password = 15,
    /// A login name: text that is searched exactly.
    Login = 16,
}

impl FieldType {
    /// Every type.
    pub const ALL: &'static [FieldType] = &[
        Self::PersonName,
        Self::PostalAddress,
        Self::Email,
        Self::Phone,
        Self::Company,
        Self::TaxId,
        Self::Iban,
        Self::ProcessorRef,
        Self::BirthDate,
        Self::Country,
        Self::IpAddress,
        Self::UserAgent,
        Self::FreeText,
        Self::Money,
        Self::Password,
        Self::Login,
    ];
    /// The name in the policy file.
    pub fn name(self) -> &'static str {
        match self {
            Self::PersonName => "person_name",
            Self::PostalAddress => "postal_address",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Company => "company",
            Self::TaxId => "tax_id",
            Self::Iban => "iban",
            Self::ProcessorRef => "processor_ref",
            Self::BirthDate => "birth_date",
            Self::Country => "country",
            Self::IpAddress => "ip_address",
            Self::UserAgent => "user_agent",
            Self::FreeText => "free_text",
            Self::Money => "money",
            Self::Password => "password",
            Self::Login => "login",
        }
    }
    /// Reads the policy file's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.name() == name)
    }
    /// The named parts of a composite type, in canonical order; empty for a plain one.
    pub fn parts(self) -> &'static [&'static str] {
        match self {
            Self::PostalAddress => &["line1", "line2", "line3", "city", "postcode", "state", "country"],
            Self::ProcessorRef => &["processor", "reference", "brand", "last4", "expiry"],
            Self::Money => &["amount", "currency"],
            _ => &[],
        }
    }
    /// Whether the type may be searched exactly by a full 128-bit blind index.
    pub fn exactly_searchable(self) -> bool {
        matches!(self, Self::Email | Self::Phone | Self::TaxId | Self::Iban | Self::Login)
    }
}

/// In which form a value is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// As stored.
    Plain,
    /// Through the field's mask.
    Masked,
}

/// How a field is masked (policy `mask = "…"`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mask {
    /// `A. L.`
    Initials,
    /// `a…@example.org`
    Email,
    /// All but the last four characters hidden.
    Last4,
    /// City and country of an address; nothing else.
    Region,
    /// Year only (dates).
    Year,
    /// Nothing but a fixed mark.
    Full,
}

impl Mask {
    /// Reads the policy file's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "initials" => Self::Initials,
            "email" => Self::Email,
            "last4" => Self::Last4,
            "region" => Self::Region,
            "year" => Self::Year,
            "full" => Self::Full,
            _ => return None,
        })
    }
    /// The mask a type has when the policy names none.
    pub fn default_for(t: FieldType) -> Self {
        match t {
            FieldType::PersonName | FieldType::Company => Self::Initials,
            FieldType::Email => Self::Email,
            FieldType::Phone | FieldType::TaxId | FieldType::Iban | FieldType::ProcessorRef => Self::Last4,
            FieldType::PostalAddress => Self::Region,
            FieldType::BirthDate => Self::Year,
            _ => Self::Full,
        }
    }
}
