package db

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// OpenKey reads the secret of tokens and references; the first time it is made.
// Without it nobody can tell our letters from others: one that cannot be used is
// set aside for another, under which letters from before do not verify.
func OpenKey(path string, log *slog.Logger) []byte {
	const octets = 32
	raw, err := os.ReadFile(path)
	key, wrong := hex.DecodeString(strings.TrimSpace(string(raw)))
	switch {
	case err == nil && wrong == nil && len(key) == octets:
		return key
	case err == nil:
		err = os.Rename(path, path+".damaged")
		log.Error("the key of the support desk is damaged: another is made, and letters and tokens from before do not verify", "kept", path+".damaged", "err", err)
	case !errors.Is(err, fs.ErrNotExist):
		log.Error("the key of the support desk cannot be read: tokens and letters verify until the end of the program only", "err", err)
		return randomKey(octets)
	}
	if key, err = newKey(path, octets); err != nil {
		log.Error("tokens and letters of the support desk verify until the end of the program only", "err", err)
		return randomKey(octets)
	}
	return key
}

func randomKey(octets int) []byte {
	key := make([]byte, octets)
	rand.Read(key) // never fails (crypto/rand)
	return key
}

// newKey makes a key whole or not at all.
func newKey(path string, octets int) ([]byte, error) {
	key := randomKey(octets)
	f, err := os.CreateTemp(filepath.Dir(path), ".desk.key.*") // 0600
	if err != nil {
		return nil, fmt.Errorf("making the key of the support desk: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, fmt.Errorf("making the key of the support desk: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return key, SyncDir(filepath.Dir(path))
}
