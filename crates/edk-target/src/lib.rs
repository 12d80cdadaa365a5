//! Where an extension goes: the Kaapana client; requests as values, then sent.
