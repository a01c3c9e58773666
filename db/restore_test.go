package db

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"dnsbld/db/backup"
	"dnsbld/listing"
)

func header() listing.Header {
	return listing.Header{ID: "restore", Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Actor: "alice"}
}

// backupOf makes a backup of a list with something in it.
func backupOf(t *testing.T, d *DB) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := d.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRestore(t *testing.T) {
	path := someFile(t)
	d := openTest(t, path)
	backup := backupOf(t, d)
	then, err := d.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, d, "later", listEdit(addr4(4711)))
	if err := SetWatermark(path, then.Head+500); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), backup, path, header()); !errors.Is(err, listing.ErrUnavailable) {
		t.Fatalf("restored below an open list: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Restore(t.Context(), backup, path, header())
	if err != nil || r.Next <= then.Head+500 || r.Backup.Chain != then.Chain {
		t.Fatalf("%+v, %v", r, err)
	}
	d = openTest(t, path)
	defer d.Close()
	if v, err := d.VerifyFrom(t.Context(), r.Backup); err != nil || v.Records != 1 || v.Head != r.Next {
		t.Errorf("the chain goes on: %+v, %v", v, err)
	}
	aside := openTest(t, r.Aside)
	defer aside.Close()
	if st, err := aside.Status(t.Context()); err != nil || st.Head != then.Head+1 {
		t.Errorf("what was there: %+v, %v", st, err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	d := openTest(t, someFile(t))
	defer d.Close()
	whole, err := os.ReadFile(backupOf(t, d))
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.Clone(whole)
	altered[len(altered)/2] ^= 1
	for name, tt := range map[string]struct {
		raw  []byte
		kind error
	}{
		"empty":      {nil, listing.ErrInvalid},
		"foreign":    {bytes.Repeat([]byte("192.0.2.7\n"), 1000), listing.ErrInvalid},
		"cut short":  {whole[:len(whole)-1], listing.ErrInvalid},
		"half":       {whole[:len(whole)/2], listing.ErrInvalid},
		"no trailer": {whole[:len(whole)-backup.Length], listing.ErrInvalid},
		"middle cut": {append(bytes.Clone(whole[:4096]), whole[8192:]...), listing.ErrInvalid},
		"altered":    {altered, listing.ErrCorrupt},
	} {
		backup, to := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "listings.db")
		if err := os.WriteFile(backup, tt.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), backup, to, header()); !errors.Is(err, tt.kind) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := filepath.Glob(to + "*"); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v, %v", name, left, err)
		}
	}
}

// A list that root restores belongs to the owner of the one before, the first time to the
// owner of the directory.
func TestRestoreKeepsTheOwner(t *testing.T) {
	owner := os.Getuid()
	if owner == 0 {
		owner = 65534
	}
	d := openTest(t, someFile(t))
	defer d.Close()
	backup, to := backupOf(t, d), filepath.Join(t.TempDir(), "listings.db")
	if err := os.Chown(filepath.Dir(to), owner, -1); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Restore(t.Context(), backup, to, header()); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(to)
		if err != nil {
			t.Fatal(err)
		}
		if is := int(info.Sys().(*syscall.Stat_t).Uid); is != owner {
			t.Fatalf("it belongs to user %d, not to %d", is, owner)
		}
		if err := os.Chown(filepath.Dir(to), os.Getuid(), -1); err != nil { // the list says it now
			t.Fatal(err)
		}
	}
}

// An empty list can be backed up, too.
func TestBackupOfNothing(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	if _, err := backup.Check(backupOf(t, d)); err != nil {
		t.Error(err)
	}
}

func TestWatermark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	if r, err := Watermark(path); r != 0 || err != nil {
		t.Errorf("unmarked: %d, %v", r, err)
	}
	for _, want := range []listing.Revision{7, 8} {
		if err := SetWatermark(path, want); err != nil {
			t.Fatal(err)
		}
		if r, err := Watermark(path); r != want || err != nil {
			t.Errorf("%d, %v", r, err)
		}
	}
	if err := os.WriteFile(watermarkPath(path), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Watermark(path); !errors.Is(err, listing.ErrCorrupt) {
		t.Errorf("rubbish: %v", err)
	}
}

// A link in the place of the file that is unpacked is not followed, and a restore
// that fails leaves nothing behind and takes nothing away.
func TestRestoreThatFails(t *testing.T) {
	path := someFile(t)
	d := openTest(t, path)
	backup := backupOf(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other, aside := filepath.Join(t.TempDir(), "other"), path+".before-20261123T120000Z"
	for _, file := range []string{other, aside} {
		if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(other, path+".part"); err != nil {
		t.Fatal(err)
	}
	nameless := header()
	nameless.ID = ""
	if _, err := Restore(t.Context(), backup, path, nameless); err == nil {
		t.Fatal("restored by a request without an id")
	}
	for _, file := range []string{other, aside} {
		if got, err := os.ReadFile(file); err != nil || string(got) != "mine" {
			t.Errorf("%s holds %.20q, %v", file, got, err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the list is another: %v", err)
	}
	if _, err := os.Lstat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left behind: %v", err)
	}
	if r, err := Restore(t.Context(), backup, path, header()); err != nil || r.Aside != aside+"-2" {
		t.Errorf("the name of the old list is taken: %+v, %v", r, err)
	}
	if got, err := os.ReadFile(aside); err != nil || string(got) != "mine" {
		t.Errorf("%s holds %.20q, %v", aside, got, err)
	}
}
