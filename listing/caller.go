package listing

import (
	"fmt"
	"slices"
	"strings"
)

// Caller is who gives a command. Every change is kept under the name, and the
// writer decides by the rest what the caller may do.
type Caller struct {
	Name   string   `json:"name"`
	UID    uint32   `json:"uid"`
	Role   Role     `json:"-"` // by the groups and the configuration in force; set by the door
	Groups []uint32 `json:"-"` // that the user was in when the connection was made
}

// Role is what a caller may do. Each role may what those below it may.
type Role int

// Roles.
const (
	Nobody   Role = iota
	Reader        // looks
	Support       // also ends listings of single hosts, by the rules
	Operator      // everything that people may
	Daemon        // a part of the program, which has decided by rules of its own in whose name it acts
)

func (r Role) String() string {
	return [...]string{"nobody", "reader", "support", "operator", "daemon"}[r]
}

// Roles are the Unix groups, by name or number, whose members have a role. With
// none at all, everybody who may open the socket is an operator. Root always is.
type Roles struct {
	Operator, Support, Reader []string
}

// Open reports whether everybody is an operator.
func (r Roles) Open() bool { return len(r.Operator)+len(r.Support)+len(r.Reader) == 0 }

// Groups are those whose members have a role, or one above it.
func (r Roles) Groups(least Role) []string {
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

// Require refuses a caller whose role is too small, and names the groups that
// may. what is what was asked for, in words; empty: "that".
func (r Roles) Require(who Caller, need Role, what string) error {
	if who.Role >= need {
		return nil
	}
	if what == "" {
		what = "that"
	}
	may := "group " + strings.Join(r.Groups(need), " or ")
	message := fmt.Sprintf("%s takes the role of %s, and %s is %s: ask a member of %s", what, need, who.Name, who.Role, may)
	if who.Role == Nobody {
		message = fmt.Sprintf("%s has no role here: ask a member of %s", who.Name, may)
	}
	return &Error{Kind: ErrPolicy, Code: "role", Message: message,
		Hint: "`id` shows your groups; a new one counts from the next login. [roles] of the configuration says which may what"}
}

// supportMayGive are the reasons for which support delists.
func supportMayGive() []DelistReason {
	return []DelistReason{FixedVerified, FixedClaimed, FalsePositive, OurError, SharedIP, IPReassigned, Duplicate, SelfService}
}

// mayDelist refuses a command that support may not give: about more than a
// single host, many entries at once, or for reasons other than senders and
// their mistakes.
func (r Rules) mayDelist(who Caller, c Delist) error {
	switch need := r.Roles.Require; {
	case who.Role < Support:
		return need(who, Support, "")
	case who.Role >= Operator || !c.Subject.IsValid():
		return nil
	case !c.Subject.IsHost() || c.Within:
		return need(who, Operator, "delisting a range")
	case c.MaxChanges != 0 || len(c.More) > 0:
		return need(who, Operator, "delisting many at once")
	case c.Because.given() && !c.appeal && !slices.Contains(supportMayGive(), c.Because):
		return need(who, Operator, "delisting because "+string(c.Because))
	}
	return nil
}

// mayEnd refuses to let support end an entry for a reason that only operators
// take back. A repeated offender's entry ends with the one it stands beside.
func (r Rules) mayEnd(who Caller, c Delist, e Entry) error {
	info, known := r.Reasons.Info(e.Reason)
	held := !known || info.SelfDelist == SelfNo
	if who.Role >= Operator || e.Except || !held || e.Reason == Repeat && c.Reason == "" {
		return nil
	}
	return r.Roles.Require(who, Operator, "delisting an entry for "+r.Reasons.Symbol(e.Reason))
}
