package db

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/listing"
)

// A list, a backup, and files of older versions are served as they are; nothing is
// changed in them, whoever asks.
func TestOpenReadOnly(t *testing.T) {
	d := everything(t)
	want := describe(t, d)
	saved := backupOf(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"a list": d.path, "a backup": saved, "version 1": oldFile} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, raw, 0o400); err != nil {
				t.Fatal(err)
			}
			d, err := OpenReadOnly(path)
			if err != nil {
				t.Fatal(err)
			}
			st, err := d.Status(t.Context())
			if err != nil || !st.ReadOnly || st.Path != path {
				t.Errorf("%+v, %v", st, err)
			}
			want := want
			if file == oldFile { // its chain is of what it wrote then
				if want, err = os.ReadFile("testdata/v1.json"); err != nil {
					t.Fatal(err)
				}
			}
			if got := describe(t, d); !bytes.Equal(got, want) {
				t.Errorf("it holds\n%s\nand held\n%s", got, want)
			}
			_, apply := d.Apply(t.Context(), request("one", listEdit(addr4(1))))
			_, replace := d.Replace(t.Context(), importing("two", "feed"), feed(clustered(3)))
			_, compacted := d.Compact(t.Context(), time.Time{})
			for what, err := range map[string]error{"apply": apply, "replace": replace, "compact": compacted,
				"erase": d.EraseEvidence(t.Context(), sample().Sum()), "skip": d.Skip(t.Context(), 1000)} {
				if e, ok := errors.AsType[*listing.Error](err); !ok || e.Code != "read-only" || !errors.Is(err, listing.ErrUnavailable) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := d.Verify(t.Context()); err != nil {
				t.Error(err)
			}
			if err := errors.Join(d.Close(), d.Close()); err != nil {
				t.Error(err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, raw) {
				t.Errorf("it was changed (%v)", err)
			}
		})
	}
	for name, path := range map[string]string{"nothing": filepath.Join(t.TempDir(), "none"), "no list": oldFile[:len(oldFile)-2] + "json"} {
		if _, err := OpenReadOnly(path); !errors.Is(err, listing.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
