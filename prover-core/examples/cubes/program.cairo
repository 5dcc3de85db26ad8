// Nicomachus's theorem for one n: the sum of the first n cubes is the square of the sum of the first n numbers.
// No builtins and no output: that there is a run is the statement.

func main() {
    alloc_locals;
    local n;
    %{ ids.n = program_input['n'] %}
    let (numbers, cubes) = sums(n);
    assert cubes = numbers * numbers;
    return ();
}

// The sum of the first n numbers, and of their cubes.
func sums(n: felt) -> (numbers: felt, cubes: felt) {
    if (n == 0) {
        return (numbers=0, cubes=0);
    }
    let (numbers, cubes) = sums(n - 1);
    return (numbers=numbers + n, cubes=cubes + n * n * n);
}
