package ctl

import (
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"dnsbld/listing"
)

// Role is what somebody may do. Each may what those below may.
type Role int

// Roles.
const (
	Nobody   Role = iota
	Reader        // looks
	Support       // also ends listings of single hosts, by the rules
	Operator      // everything
)

func (r Role) String() string {
	return [...]string{"nobody", "reader", "support", "operator"}[r]
}

// Roles are the Unix groups, by name or number, whose members have a role. With
// none at all, everybody who may open the socket is an operator. Root always is.
type Roles struct {
	Operator, Support, Reader []string
}

// needs is the one table of who may do what, by the pattern of the endpoint.
// What it lacks takes an operator.
var needs = map[string]Role{
	"/":                               Reader, // to be told that there is no such thing
	"GET /v1/show":                    Reader,
	"GET /v1/entries":                 Reader,
	"GET /v1/export":                  Reader,
	"GET /v1/history":                 Reader,
	"GET /v1/then":                    Reader,
	"GET /v1/allow":                   Reader,
	"GET /v1/reasons":                 Reader,
	"GET /v1/sources":                 Reader,
	"GET /v1/proposals":               Reader,
	"GET /v1/stats":                   Reader,
	"GET /v1/status":                  Reader,
	"GET /v1/changes":                 Reader,
	"GET /v1/audit":                   Reader,
	"POST /v1/simulate":               Reader,
	"GET /v1/selfcheck":               Reader,
	"GET /v1/eligibility":             Reader,
	"POST /v1/triage":                 Reader,
	"GET /v1/letter":                  Reader,
	"GET /v1/reference":               Reader,
	"GET /v1/tickets":                 Reader,
	"GET /v1/ticket":                  Reader,
	"POST /v1/tickets":                Support,
	"POST /v1/ticket":                 Support,
	"POST /v1/request":                Support,
	"POST /v1/person/export":          Support,
	"POST /v1/person/erase":           Support,
	"POST /v1/delist":                 Support, // see supportDelists
	"PUT /v1/entry":                   Operator,
	"POST /v1/expire":                 Operator,
	"POST /v1/allow":                  Operator,
	"POST /v1/import":                 Operator,
	"POST /v1/observe":                Operator,
	"DELETE /v1/sources/{name}":       Operator,
	"POST /v1/undo":                   Operator,
	"POST /v1/proposals":              Operator,
	"DELETE /v1/proposals/{id}":       Operator,
	"POST /v1/proposals/{id}/approve": Operator,
	"GET /v1/backup":                  Operator,
}

// supportMayGive are the reasons for which support delists.
var supportMayGive = []listing.DelistReason{listing.FixedVerified, listing.FixedClaimed, listing.FalsePositive, listing.OurError,
	listing.SharedIP, listing.IPReassigned, listing.Duplicate, listing.SelfService}

// Check finds groups that this host does not know.
func (r Roles) Check() []error {
	var errs []error
	for _, list := range []struct {
		name   string
		groups []string
	}{{"operator", r.Operator}, {"support", r.Support}, {"reader", r.Reader}} {
		for _, g := range list.groups {
			if _, err := gid(g); err != nil {
				errs = append(errs, fmt.Errorf("roles.%s: there is no group %s on this host", list.name, listing.Quote(g)))
			}
		}
	}
	if len(r.Operator) == 0 && !r.open() {
		errs = append(errs, fmt.Errorf("roles.operator: with support or reader there must be operators"))
	}
	return errs
}

// gid is the number of a group, given by name or number.
func gid(group string) (uint32, error) {
	if g, err := user.LookupGroup(group); err == nil {
		group = g.Gid
	}
	n, err := strconv.ParseUint(group, 10, 32)
	return uint32(n), err
}

// of is the role of a caller.
func (r Roles) of(who Caller) Role {
	if r.open() || who.UID == 0 {
		return Operator
	}
	switch {
	case who.in(r.Operator):
		return Operator
	case who.in(r.Support):
		return Support
	case who.in(r.Reader):
		return Reader
	}
	return Nobody
}

// open reports whether everybody is an operator.
func (r Roles) open() bool { return len(r.Operator)+len(r.Support)+len(r.Reader) == 0 }

func (c Caller) in(groups []string) bool {
	return slices.ContainsFunc(groups, func(group string) bool {
		n, err := gid(group)
		return err == nil && slices.Contains(c.Groups, n)
	})
}

// groups are those whose members have a role, or one above it.
func (r Roles) groups(least Role) []string {
	var all []string
	for _, list := range []struct {
		role   Role
		groups []string
	}{{Operator, r.Operator}, {Support, r.Support}, {Reader, r.Reader}} {
		if list.role >= least {
			all = append(all, list.groups...)
		}
	}
	return all
}

// roles are those in force.
func (s *Server) roles() Roles {
	if s.cfg.Roles == nil {
		return Roles{}
	}
	return s.cfg.Roles()
}

// authorize refuses a caller whose role an endpoint is not for.
func (s *Server) authorize(who Caller, pattern string) error {
	need, known := needs[pattern]
	if !known {
		need = Operator
	}
	return s.require(who, need, "")
}

// require refuses a caller whose role is too small, and names the groups that
// may. what is what was asked for, in words.
func (s *Server) require(who Caller, need Role, what string) error {
	roles := s.roles()
	is := roles.of(who)
	if is >= need {
		return nil
	}
	if what == "" {
		what = "that"
	}
	may := roles.groups(need)
	names := "group " + strings.Join(may, " or ")
	message := fmt.Sprintf("%s takes the role of %s, and %s is %s: ask a member of %s", what, need, who.User, is, names)
	if is == Nobody {
		message = fmt.Sprintf("%s has no role here: ask a member of %s", who.User, names)
	}
	return &listing.Error{Kind: listing.ErrPolicy, Code: "role", Message: message,
		Hint: "`id` shows your groups; a new one counts from the next login. [roles] of the configuration says which may what"}
}

// supportDelists refuses what support may not end: more than a single host, for
// other reasons than senders and their mistakes, and entries that are held.
func (s *Server) supportDelists(who Caller, c listing.Delist, snap listing.Snapshot) error {
	if s.roles().of(who) >= Operator || !c.Subject.IsValid() {
		return nil
	}
	switch {
	case !c.Subject.IsHost() || c.Within:
		return s.require(who, Operator, "delisting a range")
	case c.MaxChanges != 0:
		return s.require(who, Operator, "delisting many at once")
	case slices.Contains(listing.DelistReasons(), c.Because) && !slices.Contains(supportMayGive, c.Because):
		return s.require(who, Operator, "delisting because "+string(c.Because))
	}
	return s.supportMayEnd(who, c, snap)
}

// supportMayEnd refuses entries for reasons that only operators take back. A
// repeated offender's entry ends with the one it stands beside.
func (s *Server) supportMayEnd(who Caller, c listing.Delist, snap listing.Snapshot) error {
	reasons := s.cfg.Book.Rules().Reasons
	covering, err := snap.Covering(c.Subject)
	if err != nil {
		return err
	}
	only, err := reasons.Find(c.Reason)
	if err != nil && c.Reason != "" {
		return err
	}
	for _, e := range covering {
		info, known := reasons.Info(e.Reason)
		named := c.Reason == "" || e.Reason == only.Code
		held := !known || info.SelfDelist == listing.SelfNo
		if e.Subject == c.Subject && !e.Except && named && held && (e.Reason != listing.Repeat || c.Reason != "") {
			return s.require(who, Operator, "delisting an entry for "+reasons.Symbol(e.Reason))
		}
	}
	return nil
}
