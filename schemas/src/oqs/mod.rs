//! Messages of the 資格確認端末.
