package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"dnsbld/ctl"
	"dnsbld/db/backup"
	"dnsbld/files"
	"dnsbld/listing"
)

// backedUp is what backup prints as JSON.
type backedUp struct {
	File       string             `json:"file"`
	Bytes      int64              `json:"bytes"`
	SHA256     listing.Digest     `json:"sha256"`
	Revision   listing.Revision   `json:"revision"`
	Checkpoint listing.Checkpoint `json:"checkpoint"`
}

// backup writes to a file beside FILE and gives it its name when it has been
// checked, so that a file with the name is whole. What is left of a failure is
// taken away. A backup on stdout is checked by whoever restores it.
func (p *program) backup(ctx context.Context, in *input) error {
	file := in.Args().First()
	if file == "-" {
		return p.pipeBackup(ctx)
	}
	if err := placeFor(file); err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil && !in.Bool("force") {
		return isThere(file)
	}
	t, err := p.writeBackup(ctx, file, in.Bool("force"))
	if err != nil {
		return err
	}
	p.human.printf("%s written: revision %d, %d bytes\ncheckpoint %s\n", clean(file), t.At.Revision, t.Bytes, t.At)
	return p.conclude("backup", backedUp{file, t.Bytes, t.Sum, t.At.Revision, t.At}, nil)
}

// pipeBackup writes a backup to stdout, for a pipe to another machine.
func (p *program) pipeBackup(ctx context.Context) error {
	switch {
	case p.json:
		return usageError("a backup on standard output leaves no room for --json")
	case isTerminal(p.stdout):
		return usageError("a backup is no text for a terminal: give a FILE, or a pipe")
	}
	_, err := p.client.Backup(ctx, ctl.None{}, p.stdout)
	return err
}

// isThere refuses to write over a file.
func isThere(file string) error {
	return &listing.Error{Kind: listing.ErrConflict, Code: "file-exists", Message: file + " is there already",
		Hint: "give another name, or replace it with --force"}
}

// A backup is named FILE only when it is whole and has been read back: a file
// of that name can be relied on.

// placeFor refuses a path at which no file can be written.
func placeFor(file string) error {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return noFile(fmt.Errorf("%s is a directory", file), "give the path of a file")
	}
	if _, err := os.Stat(filepath.Dir(file)); errors.Is(err, fs.ErrNotExist) {
		return noFile(err, "make the directory first, or give another path")
	}
	return nil
}

// writeBackup streams the backup into a new file beside file, of a name that
// nobody can have put there before, checks it, and gives it its name. Without
// force the name must still be free: a link, unlike a rename, replaces nothing.
func (p *program) writeBackup(ctx context.Context, file string, force bool) (t backup.Trailer, err error) {
	f, err := newPart(file)
	if err != nil {
		return t, fmt.Errorf("writing the backup: %w", err)
	}
	part := f.Name()
	defer func() { err = errors.Join(err, files.Remove(part), f.Close()) }() // it is locked until it has its name
	_, err = p.client.Backup(ctx, ctl.None{}, &calm{file: f})
	if err := errors.Join(err, f.Sync()); err != nil {
		return t, err
	}
	if t, err = backup.Check(part); err != nil {
		return t, err
	}
	if force {
		err = os.Rename(part, file)
	} else if err = os.Link(part, file); errors.Is(err, fs.ErrExist) {
		return t, isThere(file)
	}
	if err == nil {
		err = files.SyncDir(filepath.Dir(file))
	}
	if err != nil {
		return t, fmt.Errorf("writing the backup: %w", err)
	}
	return t, nil
}

const partSuffix = ".part" // of what is not whole yet, behind FILE, a dot and a number

// newPart makes the file in which a backup is written, and removes what others have left.
// Until it is locked another backup may take it for that; then there is another one.
func newPart(file string) (*os.File, error) {
	removeParts(file)
	for {
		f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*"+partSuffix)
		if err != nil {
			return nil, err
		}
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX) // where there are no locks, removeParts removes nothing
		if _, err := os.Lstat(f.Name()); !errors.Is(err, fs.ErrNotExist) {
			return f, nil
		}
		_ = f.Close() // of nothing
	}
}

// removeParts removes what a backup to the same file has left that was killed. One that
// is being written is locked.
func removeParts(file string) {
	names, _ := os.ReadDir(filepath.Dir(file))
	for _, n := range names {
		rest, ours := strings.CutPrefix(n.Name(), filepath.Base(file)+".")
		number, part := strings.CutSuffix(rest, partSuffix)
		if !ours || !part || number == "" || strings.Trim(number, "0123456789") != "" || !n.Type().IsRegular() {
			continue
		}
		path := filepath.Join(filepath.Dir(file), n.Name())
		if f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0); err == nil {
			if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
				_ = os.Remove(path) // what cannot be removed is in nobody's way
			}
			_ = f.Close()
		}
	}
}

// calm is a file that is made durable as it is written. What others make durable
// meanwhile, the daemon first of all, would otherwise have to wait for all of it.
type calm struct {
	file  *os.File
	ahead int
}

// Write syncs each time that 4 MiB have been written since the last sync.
func (c *calm) Write(b []byte) (int, error) {
	const most = 4 << 20
	n, err := c.file.Write(b)
	if c.ahead += n; err == nil && c.ahead >= most {
		c.ahead, err = 0, c.file.Sync()
	}
	return n, err
}

// restored is what restore prints as JSON. Aside is where the list lies that
// was there before; null: there was none.
type restored struct {
	File     string             `json:"file"`
	Backup   listing.Checkpoint `json:"backup"`
	Revision listing.Revision   `json:"revision"`
	Aside    *string            `json:"aside"`
}

// restore works on files alone: it starts a dnsbld of its own, for the file
// format is the storage's. A dnsbld that runs holds the lock of its list, and
// the attempt then ends with 75.
func (p *program) restore(ctx context.Context, in *input) error {
	to := in.String("to")
	if (to == "") == (in.String("data") == "") || p.offline {
		return usageError("restore needs to know where to: give --data DIR or --to FILE")
	}
	if to == "" {
		to = filepath.Join(in.String("data"), "listings.db")
	}
	if err := placeFor(to); err != nil {
		return err
	}
	client, end, err := startOffline(p.stderr)
	if err != nil {
		return err
	}
	r, err := client.Restore(ctx, ctl.Restore{Backup: in.Args().First(), To: to})
	if err := errors.Join(err, end()); err != nil {
		return err
	}
	p.human.printf("%s restored as of revision %d; it goes on at revision %d\n", clean(to), r.Backup.Revision, r.Revision)
	out := restored{File: to, Backup: r.Backup, Revision: r.Revision}
	if r.Aside != "" {
		out.Aside = &r.Aside
		p.human.printf("the list that was there is now %s\n", clean(r.Aside))
	}
	return p.conclude("restore", out, nil)
}
