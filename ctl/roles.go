package ctl

import (
	"fmt"
	"os/user"
	"slices"
	"strconv"

	"dnsbld/listing"
)

// Roles of callers.
const (
	Reader   = listing.Reader
	Support  = listing.Support
	Operator = listing.Operator
)

// needs is the one table of who may do what, by the pattern of the endpoint.
// What it lacks takes an operator.
var needs = map[string]listing.Role{
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
	"POST /v1/delist":                 Support, // as far as the Book allows it
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

// CheckRoles finds groups that this host does not know.
func CheckRoles(r listing.Roles) []error {
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
	if len(r.Operator) == 0 && !r.Open() {
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

// roleOf is the role of a caller by the groups he is in.
func roleOf(r listing.Roles, who Caller) listing.Role {
	switch {
	case r.Open() || who.UID == 0 || in(who, r.Operator):
		return Operator
	case in(who, r.Support):
		return Support
	case in(who, r.Reader):
		return Reader
	}
	return listing.Nobody
}

func in(who Caller, groups []string) bool {
	return slices.ContainsFunc(groups, func(group string) bool {
		n, err := gid(group)
		return err == nil && slices.Contains(who.Groups, n)
	})
}

// authorize gives a caller his role, and refuses one whose role an endpoint is
// not for.
func (s *Server) authorize(who *Caller, pattern string) error {
	need, known := needs[pattern]
	if !known {
		need = Operator
	}
	roles := s.cfg.Book.Rules().Roles
	who.Role = roleOf(roles, *who)
	return roles.Require(*who, need, "")
}
