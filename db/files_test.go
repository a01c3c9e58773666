package db

import (
	"os"
	"path/filepath"
	"testing"
)

// Directories are made where they are missing; a file in the way is an error.
func TestMakeDir(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "var", "lib", "dnsbld")
	for range 2 {
		if err := MakeDir(deep); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(deep); err != nil || info.Mode() != os.ModeDir|0o750 {
		t.Errorf("%v, %v", info, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{file, filepath.Join(file, "below")} {
		if err := MakeDir(in); err == nil {
			t.Errorf("%s is made", in)
		}
	}
}
