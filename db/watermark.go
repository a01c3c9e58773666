package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"dnsbld/files"
	"dnsbld/listing"
)

// The watermark of a list is the highest revision that was served from it. It
// lies in a file of its own, a decimal number and a newline, and so outlives
// the list when a backup takes its place: secondaries must never see a serial
// go back (RFC 1982).

func watermarkPath(path string) string { return path + ".served" }

// SetWatermark notes the highest revision served from a list.
func SetWatermark(path string, served listing.Revision) error {
	if err := files.Replace(watermarkPath(path), fmt.Appendln(nil, served)); err != nil {
		return fmt.Errorf("noting what was served: %w", err)
	}
	return nil
}

// SetWatermarkAside renames a watermark that cannot be read, and says to what.
func SetWatermarkAside(path string) (aside string, err error) {
	aside = watermarkPath(path) + ".damaged"
	return aside, os.Rename(watermarkPath(path), aside)
}

// Watermark is the highest revision that was noted as served; zero if none was.
// It fails with listing.ErrCorrupt when the file does not hold a number.
func Watermark(path string) (listing.Revision, error) {
	raw, err := os.ReadFile(watermarkPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading what was served: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return 0, &listing.Error{Kind: listing.ErrCorrupt, Code: "bad-mark", Message: watermarkPath(path) + " does not hold a revision",
			Hint: "write the highest serial that secondaries hold into it, or remove it"}
	}
	return listing.Revision(n), nil
}

// watermarkEvery is how often it is noted which revision is served. What is
// served between two notes is within the margin by which a restored list skips.
const watermarkEvery = time.Second

// KeepWatermark notes the revision that is served, as it rises, until ctx is
// done, and what was served last when it is: a daemon that lives for less than
// watermarkEvery leaves a watermark too.
func KeepWatermark(ctx context.Context, path string, served func() listing.Revision, log *slog.Logger) {
	tick := time.NewTicker(watermarkEvery)
	defer tick.Stop()
	noted := listing.Revision(0)
	note := func() {
		r := served()
		if r <= noted {
			return
		}
		if err := SetWatermark(path, r); err != nil {
			log.Warn("noting the revision served", "err", err)
		}
		noted = r
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
