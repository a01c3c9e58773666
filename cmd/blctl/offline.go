package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/index"
)

// Where the control socket is when nobody says.
const (
	developmentSocket = "./var/control.sock"
	systemSocket      = "/run/dnsbld/control.sock"
)

// socket is the path of the control socket.
func (p *program) socket(given string) string {
	if given == "" {
		given = p.getenv("BLCTL_SOCKET")
	}
	if given != "" {
		return given
	}
	if info, err := os.Stat(developmentSocket); err == nil && info.Mode().Type() == fs.ModeSocket {
		return developmentSocket
	}
	return systemSocket
}

// openOffline opens a store and returns a client that works on it in this
// process, as the user who runs it. There is no configuration: reasons and
// policy are the built-in ones, and this list's own servers are not known.
func openOffline(ctx context.Context, file string, now func() time.Time) (_ *ctl.Client, closeStore func() error, err error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &listing.Error{Kind: listing.ErrUnavailable, Code: "no-store", Message: "there is no store " + file,
			Hint: "the store of a daemon is listings.db in its data directory"}
	}
	if db.IsBackup(file) {
		return nil, nil, &listing.Error{Kind: listing.ErrInvalid, Code: "a-backup", Message: file + " is a backup, and is kept as it is",
			Hint: "`blctl restore " + file + " --to FILE` makes a store of it elsewhere"}
	}
	who, err := ctl.Self()
	if err != nil {
		return nil, nil, err
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		return nil, nil, err
	}
	store, err := db.Open(file, db.Options{})
	if err != nil {
		return nil, nil, err
	}
	live, policy := index.NewLive(), listing.DefaultPolicy()
	live.Protect(policy.NeverList())
	if err := live.Load(ctx, store); err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	following, stop := context.WithCancel(ctx)
	followed := make(chan error, 1)
	go func() { followed <- live.Follow(following, store) }()
	closeStore = func() error {
		stop()
		if err := <-followed; err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("following the store: %w", errors.Join(err, store.Close()))
		}
		return store.Close()
	}
	book := listing.NewBook(store, live, listing.Rules{Reasons: reasons, Policy: policy}, now)
	return ctl.Local(ctl.New(ctl.Config{Book: book, Live: live, Version: versionText(), Verify: store.VerifyFrom, Backup: store.Backup}), who), closeStore, nil
}
