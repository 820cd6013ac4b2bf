//! The traits of whoever answers the forms and deliveries of hubs.

/// Takes in the forms that are posted to the hub, and gives a status with a text.
pub trait HubDoor: Send + Sync + std::fmt::Debug {
    /// Answers a form.
    fn ask(&self, form: &[u8]) -> (u16, String);
}

/// Takes in what the hubs of sources ask and deliver at our callbacks, each of which ends in a token of its own.
pub trait CallbackDoor: Send + Sync + std::fmt::Debug {
    /// Answers the verification of a subscription; `None` if it is not ours.
    fn confirm(&self, token: &str, query: &str) -> Option<String>;

    /// Prepares for a delivery with the given `X-Hub-Signature`; `None` if nothing is expected there.
    fn expect(&self, token: &str, signature: Option<&str>) -> Option<Box<dyn Delivery>>;
}

/// A delivery that is arriving.
pub trait Delivery: Send {
    /// Takes a piece of the body.
    fn take(&mut self, piece: &[u8]);

    /// Ends it; `false` if it should be sent again later.
    fn end(self: Box<Self>) -> bool;
}
