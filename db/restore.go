package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"dnsbld/db/backup"
	"dnsbld/files"
	"dnsbld/listing"
)

// Restored is what a restore did.
type Restored struct {
	Backup listing.Checkpoint // what the backup held
	Next   listing.Revision   // the newest now: behind all that was served
	Aside  string             // where the list lies that was there; empty: there was none
}

// Restore makes a backup the list at a path. It fails with
// listing.ErrUnavailable while a daemon has the list open. The list that was
// there is kept beside it. The restored one goes on behind the highest revision
// of that list, and behind what is noted as served.
func Restore(ctx context.Context, from, path string, h listing.Header) (r Restored, err error) {
	t, err := backup.Check(from)
	if err != nil {
		return r, err
	}
	r.Backup = t.At
	h.Note = fmt.Sprintf("restored from a backup of revision %d", t.At.Revision)
	served, err := highest(ctx, path)
	if err != nil {
		return r, err
	}
	old, err := holdOld(path)
	if err != nil {
		return r, err
	}
	if old != nil {
		defer func() { err = errors.Join(err, old.Close()) }()
	}
	part := path + ".part"
	if err = unpack(from, part, t.Bytes); err == nil {
		if r.Next, err = catchUp(ctx, part, served, t.At, h); err == nil {
			err = giveTo(part, old)
		}
	}
	if err == nil {
		r.Aside, err = place(part, path, h.Time, old != nil)
	}
	if err != nil { // nothing of it is left behind
		return r, errors.Join(err, files.Remove(part))
	}
	return r, files.SyncDir(filepath.Dir(path))
}

// A restore never writes into the file that is there. The new list is made
// beside it, brought behind what was served, synced, and only then renamed; up to
// that moment the old list is untouched, and afterwards it has another name.

// place puts the new list where the old one is, if there is one: that is kept
// under a name with the time in it, and with a number if the name is taken.
func place(part, path string, now time.Time, old bool) (aside string, err error) {
	name := path + ".before-" + now.UTC().Format("20060102T150405Z")
	for n := 2; old && aside == ""; n++ {
		if err = os.Link(path, name); err == nil {
			aside = name
		} else if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("keeping the old list: %w", err)
		}
		name = fmt.Sprintf("%s.before-%s-%d", path, now.UTC().Format("20060102T150405Z"), n)
	}
	if err = os.Rename(part, path); err != nil {
		err = fmt.Errorf("restoring: %w", err)
		if old {
			err = errors.Join(err, files.Remove(aside))
		}
		return "", err
	}
	return aside, nil
}

// holdOld locks the list that is to be replaced, whatever state it is in.
func holdOld(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if err := lock(f, time.Second); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), f.Close())
	}
	return f, nil
}

// highest is the highest revision that may have been served. A list too damaged
// to say leaves it to the note.
func highest(ctx context.Context, path string) (listing.Revision, error) {
	served, err := Watermark(path)
	if err != nil {
		return 0, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return served, nil
	}
	d, err := Open(path, Options{})
	if errors.Is(err, listing.ErrCorrupt) {
		return served, nil
	}
	if err != nil {
		return 0, err
	}
	st, err := d.Status(ctx)
	return max(served, st.Head), errors.Join(err, d.Close())
}

// unpack copies the list out of a backup into a new file. What lies there under
// its name, a link too, is of a restore that was cut short, or put there to have
// another file written.
func unpack(file, to string, size int64) error {
	from, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("opening the backup: %w", err)
	}
	defer from.Close()
	if err := files.Remove(to); err != nil {
		return fmt.Errorf("unpacking the backup: %w", err)
	}
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("unpacking the backup: %w", err)
	}
	_, err = io.CopyN(f, from, size)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("unpacking the backup: %w", err)
	}
	return nil
}

// catchUp opens the unpacked list, compares it with what the backup says, and
// lets it go on behind what was served.
func catchUp(ctx context.Context, path string, served listing.Revision, at listing.Checkpoint, h listing.Header) (next listing.Revision, err error) {
	d, err := Open(path, Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	st, err := d.Status(ctx)
	if err != nil {
		return 0, err
	}
	if st.Head != at.Revision || st.Chain != at.Chain {
		return 0, &listing.Error{Kind: listing.ErrCorrupt, Code: "backup-altered", Message: "the backup holds another list than it says", Hint: "take another backup"}
	}
	if _, err := d.SkipServed(ctx, max(served, st.Head+1), h); err != nil {
		return 0, err
	}
	st, err = d.Status(ctx)
	return st.Head, err
}

// giveTo leaves a file that root has made to the owner of the old list, or of the
// directory: the daemon that is to open it does not run as root.
func giveTo(path string, old *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(path))
	if old != nil {
		info, err = old.Stat()
	}
	if err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	return nil
}
