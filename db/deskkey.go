package db

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"dnsbld/files"
)

// deskKeySize is the length of the key of the support desk, in octets. The file
// holds it in hexadecimal, with a newline.
const deskKeySize = 32

// OpenKey reads the secret of tokens and references; the first time it is made.
// Without it nobody can tell our letters from others: one that cannot be used is
// set aside for another, under which letters from before do not verify.
func OpenKey(path string, log *slog.Logger) []byte {
	raw, err := os.ReadFile(path)
	key, wrong := hex.DecodeString(strings.TrimSpace(string(raw)))
	switch {
	case err == nil && wrong == nil && len(key) == deskKeySize:
		return key
	case err == nil:
		err = os.Rename(path, path+".damaged")
		log.Error("the key of the support desk is damaged: another is made, and letters and tokens from before do not verify", "kept", path+".damaged", "err", err)
	case !errors.Is(err, fs.ErrNotExist):
		// It may be readable again at the next start, so it is not replaced.
		log.Error("the key of the support desk cannot be read: tokens and letters verify until the end of the program only", "err", err)
		return randomKey()
	}
	key = randomKey()
	if err := files.Replace(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
		log.Error("tokens and letters of the support desk verify until the end of the program only", "err", fmt.Errorf("making the key of the support desk: %w", err))
	}
	return key
}

func randomKey() []byte {
	key := make([]byte, deskKeySize)
	rand.Read(key) // never fails (crypto/rand)
	return key
}
