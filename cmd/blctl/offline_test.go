package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// Without dnsbld beside blctl or in $PATH no store can be opened: that is for later,
// not a mistake of the command line.
func TestOfflineWithoutDnsbld(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, args := range [][]string{{"list"}, {"show", "192.0.2.7"}, {"status", "--json"}} {
		var out, errs bytes.Buffer
		args = append([]string{"blctl", "--offline", filepath.Join(t.TempDir(), "listings.db")}, args...)
		status := run(t.Context(), args, strings.NewReader(""), &out, &errs, func(string) string { return "" })
		if status != exitUnavailable || !strings.Contains(errs.String(), "there is no program dnsbld") || !strings.Contains(errs.String(), "hint: install it") {
			t.Errorf("%v: exit %d\n%s%s", args, status, out.String(), errs.String())
		}
	}
}
