package main

import (
	"context"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// verified is what audit verify prints as JSON: where it began, and the
// checkpoint at which the next verification can begin.
type verified struct {
	From       *listing.Checkpoint `json:"from"`
	Checkpoint *listing.Checkpoint `json:"checkpoint"` // null: the chain is broken, or the list is not as it says
	listing.Verified
}

// audit has the daemon walk the chain of records. A broken chain is an answer, not a
// failure of the command: what was found is printed either way.
func (p *program) audit(ctx context.Context, in *input) error {
	var out verified
	ask := ctl.Audit{Full: in.Bool("full")}
	if in.IsSet("from") {
		if err := ask.From.UnmarshalText([]byte(in.String("from"))); err != nil {
			return err
		}
		out.From = &ask.From
	}
	var err error
	out.Verified, err = p.client.Audit(ctx, ask)
	if err != nil && out.Broken == 0 && out.Differ == 0 {
		return err
	}
	if err == nil {
		end := out.Verified.Checkpoint()
		out.Checkpoint = &end
		p.human.printf("the audit chain %s: %s up to revision %d\n", p.human.paint(green, "holds"), plural(out.Records, "record", "records"), out.Head)
		if out.Forgotten > 0 {
			p.human.printf("of those up to revision %d the hashes alone are kept ([store] keep)\n", out.Forgotten)
		}
		if ask.Full {
			p.human.printf("the list is what its log makes of it: %s replayed\n", plural(out.Replayed, "record", "records"))
		}
		p.human.printf("%s\n", end)
	}
	p.differences(out.Verified)
	return p.conclude("audit verify", out, err)
}

// differences prints what is not as the log says.
func (p *program) differences(v listing.Verified) {
	for _, d := range v.Differences {
		p.human.printf("%s\n  is           %s\n  by the log   %s\n", clean(d.What), orNothing(d.Kept), orNothing(d.Log))
	}
	if more := v.Differ - len(v.Differences); more > 0 {
		p.human.printf("and %s\n", plural(more, "more", "more"))
	}
}

// orNothing is a value for people.
func orNothing(value string) string {
	if value == "" {
		return "nothing"
	}
	return clean(value)
}
