package main

import (
	"errors"
	"path/filepath"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// rebuilt is what rebuild prints as JSON. Backup is null where the whole log was
// replayed; LeftOut is missing where nothing was left out.
type rebuilt struct {
	File     string              `json:"file"`
	Backup   *listing.Checkpoint `json:"backup"`
	Records  int                 `json:"records"`
	Revision listing.Revision    `json:"revision"`
	Aside    string              `json:"aside"`
	LeftOut  string              `json:"left_out,omitempty"`
}

// rebuild works on files alone, as restore does: the list need not open. --offline
// FILE names it too.
func (p *program) rebuild(in *input) error {
	var named []string
	for _, file := range []string{in.String("to"), in.String("offline"), in.String("data")} {
		if file != "" {
			named = append(named, file)
		}
	}
	if len(named) != 1 {
		return usageError("rebuild needs to know which list: give --data DIR or --to FILE")
	}
	list := named[0]
	if in.String("data") != "" {
		list = filepath.Join(list, "listings.db")
	}
	client, end, err := startOffline(p.stderr)
	if err != nil {
		return err
	}
	r, err := client.Rebuild(in.Context.Context, ctl.Rebuild{List: list, Backup: in.String("backup")})
	if err := errors.Join(err, end()); err != nil {
		return err
	}
	p.human.printf("%s made again from %s of its log; it is at revision %d\nthe list that was there is now %s\n",
		clean(list), plural(r.Records, "record", "records"), r.Revision, clean(r.Aside))
	if r.LeftOut != "" {
		p.human.printf("not all evidence and answers beside the log could be read\nthe first that is left out: %s\n", clean(r.LeftOut))
	}
	return p.conclude("rebuild", rebuilt{list, r.Backup, r.Records, r.Revision, r.Aside, r.LeftOut}, nil)
}
