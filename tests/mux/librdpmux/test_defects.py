"""Every defect of the original that section 10 lists, and the tests that show that ours does not have it."""

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
DOCUMENT = TESTS.parents[1] / "shared" / "docs" / "librdpmux-protocol.md"

HERE = "mux/librdpmux/test_"
GUEST = "mux/guest/test_"

PROOFS: dict[str, list[str]] = {
    # security
    "S1": [GUEST + "guest.py::test_a_guest_that_ends_takes_its_traces_along"],
    "S2": [
        HERE + "router.py::test_another_user_is_nobody_at_the_shared_socket",
        HERE + "router.py::test_the_first_process_keeps_the_uuid_while_it_lives",
    ],
    "S3": [
        HERE + "socket_directory.py::test_others_pass_through_only_where_they_may_have_vms",
        HERE + "versions.py::test_a_whole_conversation",
    ],
    "S4": [
        "test_packaging.py::test_only_the_daemon_owns_and_only_the_group_registers",
        HERE + "listener.py::test_only_the_vms_user_and_root_may",
        HERE + "server.py::test_a_sam_file_of_somebody_else_is_not_read",
    ],
    "S5": [HERE + "session.py::test_no_guest_can_break_its_session"],
    "S6": [
        HERE + "session.py::test_a_switch_that_cannot_be",
        HERE + "session.py::test_a_framebuffer_that_shrinks_does_not_hurt",
    ],
    "S7": [
        "test_packaging.py::test_the_service_is_not_root_and_has_authentication",
        "mux/admission/test_vm_overrides.py::test_who_asks_for_proof_leaves_no_other_way_in",
    ],
    "S8": [GUEST + "hostile_daemon.py::test_every_rectangle_of_a_moment_is_announced"],
    "S9": [
        GUEST + "hostile_daemon.py::test_nothing_from_a_server_ends_it",
        GUEST + "hostile_daemon.py::test_any_frame_rate_is_survived",
        GUEST + "registration.py::test_refusals_are_noticed",
    ],
    # library
    "L1": [
        GUEST + "hostile_daemon.py::test_a_server_that_never_acknowledges_does_not_freeze_it",
        HERE + "session.py::test_unasked_acknowledgements",
    ],
    "L2": [GUEST + "hostile_daemon.py::test_every_rectangle_of_a_moment_is_announced"],
    "L3": [GUEST + "guest.py::test_every_format_arrives"],
    "L4": [GUEST + "guest.py::test_every_format_arrives"],
    "L5": [GUEST + "guest.py::test_every_format_arrives"],
    "L6": [GUEST + "hostile_daemon.py::test_a_picture_larger_than_the_librarys_memory"],
    "L7": [
        GUEST + "guest.py::test_a_guest_that_vanishes_may_come_back",
        GUEST + "guest.py::test_a_guest_that_stays_away_is_removed",
    ],
    "L8": [GUEST + "hostile_daemon.py::test_damage_of_the_old_size_is_forgotten_at_a_switch"],
    "L9": [GUEST + "hostile_daemon.py::test_nothing_is_painted_while_the_server_reads"],
    "L10": [HERE + "messages.py::test_captured_bytes", GUEST + "hostile_daemon.py::test_it_says_goodbye"],
    "L11": [
        GUEST + "hostile_daemon.py::test_it_says_goodbye",
        GUEST + "registration.py::test_every_version_works",
    ],
    "L12": [GUEST + "hostile_daemon.py::test_the_processes_signals_are_its_own"],
    "L13": [
        GUEST + "registration.py::test_the_best_common_version",
        GUEST + "registration.py::test_refusals_are_noticed",
    ],
    "L14": [
        HERE + "dbus_service.py::test_a_guest_registers_again_with_a_new_service",
        GUEST + "hostile_daemon.py::test_several_vms_in_one_process",
        GUEST + "hostile_daemon.py::test_keys_are_not_logged",
    ],
    # server
    "M1": ["mux/console/test_viewer.py::test_a_viewer_sees_the_screen_and_its_changes"],
    "M2": ["mux/console/test_console.py::test_what_a_vm_shows_first_takes_its_card_away"],
    "M3": ["mux/console/test_viewer.py::test_a_stalled_viewer_delays_nobody_costs_little_and_catches_up"],
    "M4": [
        HERE + "session.py::test_every_rectangle_of_a_batch_counts",
        "mux/picture/test_screen.py::test_who_looks_is_woken_once_and_finds_the_tiles",
        HERE + "session.py::test_version_4_and_5_are_told_nothing",
    ],
    "M5": [HERE + "session.py::test_a_switch_to_the_same_size_repaints_everything"],
    "M6": [HERE + "session.py::test_before_the_first_switch_nothing_is_shown"],
    "M7": [GUEST + "guest.py::test_every_format_arrives"],
    "M8": [HERE + "session.py::test_nonsense_is_acknowledged"],
    "M9": [
        HERE + "server.py::test_the_same_vm_again_has_its_console_and_the_old_process_has_not",
        HERE + "server.py::test_the_uuid_of_another_users_vm_is_not_to_be_had",
        HERE + "server.py::test_vms_without_a_uuid_are_different_ones",
    ],
    "M10": [HERE + "server.py::test_nothing_is_left_of_vms_that_are_gone"],
    "M11": [
        "mux/test_registry.py::test_each_vm_gets_the_lowest_free_port",
        "mux/test_registry.py::test_a_preferred_port_is_had_if_free",
    ],
    "M12": ["test_cli.py::test_serve_stops_cleanly"],
    "M13": [
        HERE + "versions.py::test_its_death_shows_on_the_bus",
        HERE + "versions.py::test_it_goes_on_with_the_next_daemon",
    ],
    "M14": [
        HERE + "listener.py::test_types_are_sent_as_announced",
        HERE + "listener.py::test_a_sam_file_asks_for_authentication",
        HERE + "listener.py::test_authentication_is_switched_for_this_daemon_and_the_next",
        "mux/admission/test_vm_overrides.py::test_new_connections_follow_the_wish",
    ],
    "M15": [
        HERE + "input.py::test_wheel",
        "mux/input/test_typist.py::test_plain_and_shifted",
        "mux/input/test_arbiter.py::test_what_a_viewer_holds_is_let_go_when_it_leaves",
        "mux/console/test_viewer.py::test_the_vms_pointer_is_the_clients",
        "mux/console/test_viewer.py::test_lock_keys_follow_the_guest",
    ],
    "M16": [
        "test_packaging.py::test_the_manual_is_current",
        HERE + "session.py::test_version_3_is_told_a_rate_that_it_can_divide_by",
    ],
    "M17": ["mux/console/test_viewer.py::test_a_stalled_viewer_delays_nobody_costs_little_and_catches_up"],
    # QEMU fork: what a guest makes of its input
    "Q1": [HERE + "input.py::test_only_the_normal_forms_leave_and_are_understood"],
    "Q2": [HERE + "input.py::test_a_guest_takes_combined_events", HERE + "input.py::test_wheel"],
    "Q4": [HERE + "server.py::test_vms_without_a_uuid_are_different_ones"],
    "Q6": [GUEST + "hostile_daemon.py::test_keys_are_not_logged"],
}

NOT_OURS = {
    "L15": "manual memory management",
    "L16": "the version of a shared object",
    "Q3": "QEMU's options; ours are checked in test_cli.py",
    "Q5": "QEMU's consoles and cursor, which the protocol cannot carry; see the QEMU backend",
}


@cache
def names_in(path: str) -> frozenset[str]:
    return frozenset(re.findall(r"^def (test_\w+)", (TESTS / path).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("defect", PROOFS)
def test_the_proofs_are_there(defect: str) -> None:
    for proof in PROOFS[defect]:
        path, _, name = proof.partition("::")
        assert name in names_in(path), proof


@pytest.mark.skipif(not DOCUMENT.exists(), reason=f"needs {DOCUMENT}")
def test_no_defect_is_forgotten() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| ([SLMQ]\d+) \|", text, re.MULTILINE))
    assert listed == PROOFS.keys() | NOT_OURS.keys()
    assert not PROOFS.keys() & NOT_OURS.keys()
