package mta

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// findRotated looks among the files that logrotate makes of path, path.N and path-DATE and not
// compressed, for the one that p is a position in. Later are those that were written to after it,
// the oldest first.
func findRotated(path string, p Position) (found string, later []string) {
	candidates := rotatedFiles(path)
	for i, candidate := range candidates {
		if p.in(candidate) {
			return candidate, candidates[i+1:]
		}
	}
	return "", nil
}

// rotatedFiles lists them by when they were written to last, which copying keeps as well as
// renaming does: the one written to first comes first.
func rotatedFiles(path string) []string {
	type file struct {
		path    string
		written time.Time
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	var files []file
	for _, e := range entries {
		suffix, ok := strings.CutPrefix(e.Name(), filepath.Base(path))
		if !ok || len(suffix) < 2 || suffix[0] != '.' && suffix[0] != '-' || !allDigits([]byte(strings.ReplaceAll(suffix[1:], "-", ""))) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, file{path + suffix, info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(a.written.Compare(b.written), compareSuffixes(a.path[len(path):], b.path[len(path):]))
	})
	var paths []string
	for _, f := range files {
		paths = append(paths, f.path)
	}
	return paths
}

// compareSuffixes orders files that were written to at one time: numbers fall with time, dates
// rise.
func compareSuffixes(a, b string) int {
	if a[0] == '.' && b[0] == '.' {
		a, b = b, a
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
