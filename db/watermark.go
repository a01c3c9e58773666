package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dnsbld/listing"
)

// markPath is the file that keeps the highest revision served, which outlives
// the list that a backup replaces.
func markPath(path string) string { return path + ".served" }

// Mark notes the highest revision served from a list, in a file beside it.
func Mark(path string, served listing.Revision) error {
	if err := writeMark(markPath(path), served); err != nil {
		return fmt.Errorf("noting what was served: %w", err)
	}
	return nil
}

func writeMark(path string, served listing.Revision) error {
	// One name for all of them: what a crash left is overwritten.
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, served)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncDir(filepath.Dir(path))
}

// SetMarkAside renames a mark that cannot be read, and says to what.
func SetMarkAside(path string) (aside string, err error) {
	aside = markPath(path) + ".damaged"
	return aside, os.Rename(markPath(path), aside)
}

// Marked is the highest revision that was noted as served; zero if none was.
func Marked(path string) (listing.Revision, error) {
	raw, err := os.ReadFile(markPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading what was served: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return 0, &listing.Error{Kind: listing.ErrCorrupt, Code: "bad-mark", Message: markPath(path) + " does not hold a revision",
			Hint: "write the highest serial that secondaries hold into it, or remove it"}
	}
	return listing.Revision(n), nil
}

// markEvery is how often it is noted which revision is served. What is served
// between two notes is within the margin by which a restored list skips.
const markEvery = time.Second

// KeepMark notes the revision that is served, as it rises, until ctx is done,
// and what was served last when it is: a daemon that lives for less than
// markEvery leaves a mark too.
func KeepMark(ctx context.Context, path string, served func() listing.Revision, log *slog.Logger) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	marked := listing.Revision(0)
	note := func() {
		r := served()
		if r <= marked {
			return
		}
		if err := Mark(path, r); err != nil {
			log.Warn("noting the revision served", "err", err)
		}
		marked = r
	}
	defer note()
	for {
		note()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
