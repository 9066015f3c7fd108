//! What the hub does, seen from outside. Each file is one behaviour.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod a_frozen_sequencer_commits_nothing;
mod a_large_answer;
mod a_month_at_three_facilities;
mod all_missing_numbers_are_registered_at_once;
mod appointments_are_asked_about_by_their_day;
mod april_keeps_its_numbers;
mod bad_files_are_quarantined;
mod cards_at_a_desk;
mod chart_numbers_are_registered_by_themselves;
mod config_errors_name_their_key;
mod consents_beside_the_desk_are_fetched;
mod consumers_are_walled_off;
mod crashes_lose_nothing;
mod ctrl_c_leaves_nothing_behind;
mod encrypted_interfaces;
mod errors_of_a_bulk_inquiry_are_asked_again;
mod face_files_become_events;
mod faults;
mod inquiries_end_in_one_state;
mod medical_information_is_read_with_a_purpose;
mod not_commissioned_answers_hide_numbers;
mod operation_test_on_verification_terminals;
mod other_public_expenses_by_config_alone;
mod programs_beside_the_hub;
mod requests_of_existing_programs;
mod two_terminals_make_one_record;
