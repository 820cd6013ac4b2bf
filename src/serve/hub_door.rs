/// Takes in the forms that are posted to the hub, and gives a status with a text.
pub trait HubDoor: Send + Sync + std::fmt::Debug {
    /// Answers a form.
    fn ask(&self, form: &[u8]) -> (u16, String);
}
