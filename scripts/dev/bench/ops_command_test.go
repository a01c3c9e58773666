package main

import "testing"

// A command that computes costs CPU time, one that sleeps costs next to none, and one that fails is no figure.
func TestCommandCPU(t *testing.T) {
	busy, err := commandCPU(t.Context(), 3, 0, "sh", "-c", "n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done")
	if err != nil || len(busy) != 3 {
		t.Fatal(busy, err)
	}
	idle, err := commandCPU(t.Context(), 3, 0, "sleep", "0.05")
	if err != nil {
		t.Fatal(err)
	}
	if median(busy) <= median(idle) {
		t.Errorf("computing took %v ms, sleeping %v ms", busy, idle)
	}
	if _, err := commandCPU(t.Context(), 1, 0, "false"); err == nil {
		t.Error("a command that failed was measured")
	}
}
