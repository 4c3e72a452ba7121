//! What the documentation tells a reader to type works, and shows what it says it shows.

use tidegate_tests::run_page;

#[test]
fn the_page_of_the_node_example_works_as_printed() {
    run_page("examples/node/README.md");
}

#[test]
fn the_page_of_the_python_example_works_as_printed() {
    run_page("examples/python/README.md");
}

#[test]
fn the_page_of_the_go_example_works_as_printed() {
    run_page("examples/go/README.md");
}

#[test]
fn the_walk_through_number_portability_and_prepaid_billing_works_as_printed() {
    run_page("docs/number-portability-and-prepaid.md");
}

#[test]
fn the_page_on_testing_a_routing_application_works_as_printed() {
    run_page("docs/testing-your-application.md");
}
