package costtest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// linear reads each octet once; quadratic looks for an end that never comes, from
// every octet on.
func linear(input []byte) (n int) {
	for _, c := range input {
		n += int(c) * n
	}
	return n
}

func quadratic(input []byte) (n int) {
	for at := range input {
		n += bytes.IndexByte(input[at:], '!')
	}
	return n
}

// The price is kept by what is linear, and by that alone.
func TestLinear(t *testing.T) {
	const child = "COSTTEST_QUADRATIC"
	if os.Getenv(child) != "" {
		Linear(t, 24<<10, "(", "x", ")", func(input []byte) { quadratic(input) })
		return
	}
	Linear(t, 64<<10, "(", "x", ")", func(input []byte) { linear(input) })
	again := exec.Command(os.Args[0], "-test.run=^TestLinear$")
	again.Env = append(os.Environ(), child+"=1")
	out, err := again.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "times as much as linear work would") {
		t.Errorf("what is quadratic passes: %v\n%s", err, out)
	}
}
