package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestDeskKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk.key")
	first, err := deskKey(path)
	if err != nil || len(first) != 32 {
		t.Fatalf("%d octets, %v", len(first), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode: %v, %v", info.Mode(), err)
	}
	if again, err := deskKey(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the next start has another key: %v", err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := deskKey(path); err == nil {
		t.Error("a damaged key is replaced in silence: tokens and letters would no longer verify")
	}
}

func TestDeskMistakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dnsbld.toml")
	for _, text := range []string{"page = \"nowhere\"", "mail = \"desk\"", "mail = \"Desk <desk@bl.example>\"", "probe = \"a@b.example\"",
		"requests_per_week = 0", "letters = \"/nonexistent\""} {
		if err := os.WriteFile(path, []byte("[desk]\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadConfig(path); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
