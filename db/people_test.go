package db

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dnsbld/listing"
)

func TestPeopleForget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db")
	p, err := OpenPeople(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	for id, text := range map[string]string{"C1": "alice@sender.example", "C2": "bob@other.example"} {
		if err := p.Put("contact", id, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Delete("contact", "C1", "unknown"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get("contact", "C1"); !errors.Is(err, listing.ErrNotFound) {
		t.Errorf("what was deleted is there: %v", err)
	}
	if v, err := p.Get("contact", "C2"); err != nil || string(v) != "bob@other.example" {
		t.Errorf("the other one: %q, %v", v, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("alice@")) {
		t.Error("the file still has what was deleted")
	}
	if err := p.Put("contact", "C3", []byte("carol@sender.example")); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for r, err := range p.Each("contact") {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	if len(ids) != 2 || ids[0] != "C2" || ids[1] != "C3" {
		t.Errorf("there are %v", ids)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.open(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get("contact", "C3"); err != nil {
		t.Errorf("after opening it again: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode: %v, %v", info.Mode(), err)
	}
}
