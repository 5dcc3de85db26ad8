// What Cairo's tutorials do with a program input: lists, lists of structs, dictionaries of dictionaries.
%builtins output

from starkware.cairo.common.alloc import alloc
from starkware.cairo.common.dict import dict_new, dict_read
from starkware.cairo.common.dict_access import DictAccess
from starkware.cairo.common.registers import get_fp_and_pc

const N_TILES = 3;

struct Key {
    low: felt,
    high: felt,
}

struct Vote {
    voter: felt,
    key: Key,
    choice: felt,
}

struct Account {
    public_key: felt,
    balance: felt,
}

struct State {
    first: felt,
    second: felt,
}

func sum(list: felt*, n) -> felt {
    if (n == 0) {
        return 0;
    }
    let rest = sum(list=list + 1, n=n - 1);
    return list[0] + rest;
}

// The sum of the elements of lists, each times the number of its list.
func sum_of_lists(lists: felt**, lengths: felt*, n) -> felt {
    alloc_locals;
    if (n == 0) {
        return 0;
    }
    let rest = sum_of_lists(lists, lengths, n - 1);
    let last = sum(lists[n - 1], lengths[n - 1]);
    return rest + n * last;
}

// The steps of a path, each read as it is needed.
func path(n) -> felt {
    alloc_locals;
    local at = n - 1;
    local step;
    if (n == 0) {
        return 0;
    }
    %{ ids.step = int(program_input['path']['steps'][ids.at], 16) %}
    let rest = path(n - 1);
    return 10 * rest + step;
}

func puzzle() -> felt {
    alloc_locals;
    local places: felt*;
    local tiles: felt*;
    local n;
    %{
        # Where those lists lie, nobody cares.
        places = program_input['places']
        tiles = program_input['tiles']

        ids.places = place_list = segments.add()
        for i, val in enumerate(places):
            memory[place_list + i] = val

        ids.tiles = tile_list = segments.add()
        for i, val in enumerate(tiles): memory[tile_list + i] = val

        ids.n = len(tiles)

        # Only who proves checks this.
        assert len(places) == 2 * (len(tiles) + 1), 'as many places'
        assert ids.N_TILES == len(tiles)
        print('tiles:', tiles, f'and {ids.n}')
    %}
    let a = sum(places, 2 * (n + 1));
    let b = sum(tiles, n);
    return 1000 * a + b;
}

func votes() -> felt {
    alloc_locals;
    local n;
    let (votes: Vote*) = alloc();
    %{
        ids.n = len(program_input['votes'])
        keys = [
            int(key, 16)
            for key in program_input['keys']]
        for i, vote in enumerate(program_input['votes']):
            # Where the i-th vote lies.
            base = \
                ids.votes.address_ + ids.Vote.SIZE * i
            memory[base + ids.Vote.voter] = vote['voter']
            memory[base + ids.Vote.key] = keys[vote['voter']]
            memory[base + ids.Vote.key + ids.Key.high] = i
            memory[base + ids.Vote.choice] = \
                vote['choice']
    %}
    assert n = 2;
    let first = votes[0].voter + 10 * votes[0].key.low;
    let second = votes[1].voter + 10 * votes[1].key.low + 100 * votes[1].key.high + 1000 * votes[1].choice;
    return first + 100 * second;
}

func accounts() -> felt {
    alloc_locals;
    %{
        account = program_input['accounts']
        initial_dict = {
            int(id): segments.gen_arg([
                int(info['public_key'], 16),
                info['balance'],
            ])
            for id, info in account.items()
        }
    %}
    let (dict: DictAccess*) = dict_new();
    let (seventh: Account*) = dict_read{dict_ptr=dict}(key=7);
    let (tenth: Account*) = dict_read{dict_ptr=dict}(key=10);
    return seventh.public_key + 1000 * seventh.balance + 100000 * tenth.balance;
}

func state() -> felt {
    alloc_locals;
    let (__fp__, _) = get_fp_and_pc();
    local state: State;
    local pointer: State* = &state;
    %{
        ids.state.first = program_input["state"]['first']
        ids.pointer.second = program_input["state"]["second"] - 1
    %}
    local big = nondet %{ program_input['big'] %};
    return state.first - state.second + big;
}

func lists() -> felt {
    alloc_locals;
    local all: felt**;
    local n;
    let (lengths: felt*) = alloc();
    %{
        lists = program_input['lists']
        ids.all = segments.gen_arg(lists)
        ids.n = len(lists)
        segments.write_arg(ids.lengths, [len(list) for list in lists])
    %}
    let total = sum_of_lists(all, lengths, n);
    return total;
}

func main{output_ptr: felt*}() {
    alloc_locals;
    let a = puzzle();
    assert output_ptr[0] = a;
    let b = votes();
    assert output_ptr[1] = b;
    let c = accounts();
    assert output_ptr[2] = c;
    let d = state();
    assert output_ptr[3] = d;
    let e = lists();
    assert output_ptr[4] = e;
    let f = path(3);
    assert output_ptr[5] = f;
    let output_ptr = output_ptr + 6;
    return ();
}
