package main

import (
	"path/filepath"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
)

// openDesk is the support desk of the daemon that scripts talk to, with its
// file beside the store.
func openDesk(book *listing.Book, counters desk.Counters, store string) (*desk.Desk, *db.People, error) {
	letters, err := delist.NewLetters(nil)
	if err != nil {
		return nil, nil, err
	}
	signer, err := delist.NewSigner([]byte("a key for tests alone"))
	if err != nil {
		return nil, nil, err
	}
	people, err := db.OpenPeople(filepath.Join(filepath.Dir(store), "people.db"), nil)
	if err != nil {
		return nil, nil, err
	}
	settings := desk.Settings{Zones: []desk.Zone{{Name: "bl.test", TTL: 5 * time.Minute}}, Letters: letters, Probe: "probe.bl.test",
		Page: "https://bl.example/", Mail: "desk@bl.example", PerWeek: 3}
	d, err := desk.New(desk.Config{Book: book, Counters: counters, People: people, Signer: signer,
		Settings: func() desk.Settings { return settings }})
	return d, people, err
}
