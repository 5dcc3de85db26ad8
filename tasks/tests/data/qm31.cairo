// Adds in the extension field of Mersenne 31: `[ap] = [ap - 1] + [ap - 1], ap++` with the opcode extension 3, which the
// virtual machine runs and no layout of Stone has.
func main() {
    [ap] = 3, ap++;
    dw 0x1c8307fff7fff8000;
    ret;
}
