// Writes a word to page 0 of the output, and two pages of its own, of which the tree joins first these two.
%builtins output

func main{output_ptr: felt*}() {
    alloc_locals;
    assert output_ptr[0] = 1000;
    let first: felt* = output_ptr + 1;
    assert first[0] = 11;
    assert first[1] = 22;
    let second: felt* = output_ptr + 3;
    assert second[0] = 33;
    assert second[1] = 44;
    assert second[2] = 55;
    %{
        output_builtin.add_page(page_id=1, page_start=ids.first, page_size=2)
        output_builtin.add_page(page_id=2, page_start=ids.second, page_size=3)
        output_builtin.add_attribute('gps_fact_topology', [1, 0, 2, 2, 0, 2])
    %}
    let output_ptr = output_ptr + 6;
    return ();
}
