macro_rules! methods {
    ($($variant:ident $text:literal,)+) => {
        /// A request method. Methods are case-sensitive (RFC 3261 7.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum Method {
            $(#[doc = $text] $variant,)+
            /// Any method not listed here; `View::method_raw` has its name.
            #[default]
            Other,
        }

        impl Method {
            /// The method with exactly this name.
            #[must_use]
            pub fn from_bytes(name: &[u8]) -> Self {
                $(if name == $text.as_bytes() {
                    return Self::$variant;
                })+
                Self::Other
            }

            /// The name on the wire; empty for [`Method::Other`].
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other => "",
                }
            }
        }
    };
}

methods! {
    Invite "INVITE",
    Ack "ACK",
    Bye "BYE",
    Cancel "CANCEL",
    Options "OPTIONS",
    Register "REGISTER",
    Prack "PRACK",
    Subscribe "SUBSCRIBE",
    Notify "NOTIFY",
    Publish "PUBLISH",
    Info "INFO",
    Refer "REFER",
    Message "MESSAGE",
    Update "UPDATE",
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 7.1: method names are case-sensitive.
    #[test]
    fn a_method_in_lower_case_is_another_method() {
        assert_eq!(Method::from_bytes(b"INVITE"), Method::Invite);
        assert_eq!(Method::from_bytes(b"invite"), Method::Other);
        assert_eq!(Method::from_bytes(b"INVITES"), Method::Other);
    }

    #[test]
    fn a_known_method_keeps_its_name() {
        assert_eq!(
            Method::from_bytes(Method::Update.as_str().as_bytes()),
            Method::Update
        );
        assert_eq!(Method::Other.as_str(), "");
    }
}
