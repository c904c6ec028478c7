// Uses cases.go and records.go as ada, eve and bob do, and looks at what they get.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	child    = "Child Services"
	adult    = "Adult Services"
	password = "correct horse battery"
)

var (
	ctx      = context.Background()
	newest   = []string{"Visit 5", "Visit 4", "Visit 3", "Visit 2", "Visit 1"}
	ada, bob string
	eve      string
)

func ok(passed bool, what string) {
	if passed {
		fmt.Println("ok " + what)
	} else {
		fmt.Println("not ok " + what)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func open(role string, size int32, proof Proof) *Cases {
	cases, err := Open(ctx, role, size, proof)
	must(err)
	return cases
}

func titles(all []Record) (titles []string) {
	for _, r := range all {
		titles = append(titles, r.Title)
	}
	return titles
}

// list is work that puts the titles of all records into seen.
func list(seen *[]string) func(pgx.Tx) error {
	return func(tx pgx.Tx) error {
		all, err := Page(ctx, tx, 100, nil)
		*seen = titles(all)
		return err
	}
}

// one is work that scans the only value of a statement.
func one(value any, sql string, values ...any) func(pgx.Tx) error {
	return func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql, values...).Scan(value) }
}

func main() {
	cases := open("example_backend", 2, UserID)
	defer cases.Close()
	for name, id := range map[string]*string{"ada": &ada, "bob": &bob, "eve": &eve} {
		must(cases.Transaction(ctx, one(id, "SELECT user_id FROM casnet.find_user($1)", name)))
	}
	reading(cases)
	writing(cases)
	tokens()
	pool()
	revoking(cases)
}

func reading(cases *Cases) {
	var seen []string
	var refused *Refused
	err := cases.Transaction(ctx, list(&seen))
	ok(errors.Is(err, ErrSignIn) && errors.As(err, &refused) && refused.Hint != "",
		"without an identity there is an error with a hint")
	must(cases.As(ctx, ada, child, list(&seen)))
	ok(reflect.DeepEqual(seen, newest), "ada sees the records of her tenant, and no others")
	ok(errors.As(cases.As(ctx, ada, adult, list(&seen)), &refused) && refused.Code == "P0002",
		"she cannot choose the tenant of somebody else")

	var last *Record
	seen = nil
	for page := 0; page < 3; page++ {
		must(cases.As(ctx, ada, child, func(tx pgx.Tx) error {
			found, err := Page(ctx, tx, 2, last)
			if err == nil {
				seen, last = append(seen, titles(found)...), &found[len(found)-1]
			}
			return err
		}))
	}
	ok(reflect.DeepEqual(seen, newest), "pages by (created_at, id)")

	must(cases.As(ctx, ada, child, func(tx pgx.Tx) error {
		first, err := Search(ctx, tx, "parent*", 1, nil)
		must(err)
		second, err := Search(ctx, tx, "parent*", 1, &first[0])
		ok(strings.Contains(first[0].Snippet, "<b>parents</b>") && len(second) == 1 &&
			first[0].Record != second[0].Record, "search with snippets, and its next page")
		return err
	}))
	must(cases.As(ctx, ada, child, func(tx pgx.Tx) error {
		tasks, err := Tasks(ctx, tx, last.ID)
		ok(reflect.DeepEqual(tasks, []string{"Call the school"}), "the tasks of a record")
		return err
	}))
}

func writing(cases *Cases) {
	var id string
	must(cases.As(ctx, ada, child, func(tx pgx.Tx) (err error) {
		id, err = Create(ctx, tx, "From Go", "With pgx.", "go", "urgent")
		return err
	}))
	must(cases.As(ctx, ada, child, func(tx pgx.Tx) error {
		tags, err := Tags(ctx, tx, id)
		must(err)
		ok(reflect.DeepEqual(tags, []string{"go", "urgent"}), "a new record has its tags")
		found, err := Tagged(ctx, tx, "go", "urgent")
		must(err)
		ok(len(found) == 1 && found[0].ID == id, "records by tags, of this tenant only")
		one, err := Tag(ctx, tx, "urgent")
		must(err)
		two, err := Tag(ctx, tx, "urgent")
		ok(one == two, "upsert of a tag by (tenant_id, name)")
		return err
	}))
	err := cases.As(ctx, eve, child, func(tx pgx.Tx) error {
		_, err := Create(ctx, tx, "By a viewer", "")
		return err
	})
	ok(errors.Is(err, ErrForbidden) && strings.Contains(err.Error(), "create_records"),
		"a viewer may not write, and the message names the permission")
}

func tokens() {
	web := open("example_web", 2, Token)
	defer web.Close()
	var token string
	var seen []string
	must(web.Transaction(ctx, one(&token, "SELECT casnet.login($1, $2)", "bob", password)))
	must(web.As(ctx, token, adult, list(&seen)))
	ok(reflect.DeepEqual(seen, []string{"Secret of Adult Services"}), "bob signs in with a token")
	ok(errors.Is(web.Transaction(ctx, one(&token, "SELECT casnet.login($1, $2)", "bob", "wrong password")),
		ErrSignIn), "a wrong password")
	ok(errors.Is(web.Transaction(ctx, list(&seen)), ErrSignIn), "after it nobody is signed in")
}

// pool has one connection, so that each transaction meets what the one before has left.
func pool() {
	single := open("example_backend", 1, UserID)
	defer single.Close()
	processes := map[int]bool{}
	right := true
	process := func() {
		var pid int
		must(single.Transaction(ctx, one(&pid, "SELECT pg_backend_pid()")))
		processes[pid] = true
	}
	for turn := 0; turn < 20; turn++ {
		var seen []string
		if turn%2 == 0 {
			must(single.As(ctx, ada, child, list(&seen)))
			right = right && len(seen) == 6
		} else {
			must(single.As(ctx, bob, adult, list(&seen)))
			right = right && reflect.DeepEqual(seen, []string{"Secret of Adult Services"})
		}
		right = right && errors.Is(single.Transaction(ctx, list(&seen)), ErrSignIn)
		process()
	}
	ok(right && len(processes) == 1, "two users take turns on one connection, also after errors")

	var value string // the mistake: false, so for the session
	must(single.Transaction(ctx, one(&value, "SELECT set_config('casnet.user_id', $1, false)", ada)))
	var seen []string
	ok(errors.Is(single.Transaction(ctx, list(&seen)), ErrSignIn),
		"a user set for the session is gone at the next request")
	process()
	ok(len(processes) == 1, "on the same connection")
}

func revoking(cases *Cases) {
	err := cases.As(ctx, eve, child, func(tx pgx.Tx) error {
		var seen []string
		must(list(&seen)(tx))
		must(cases.As(ctx, ada, child, func(other pgx.Tx) error {
			_, err := other.Exec(ctx, "SELECT casnet.remove_member('eve')")
			return err
		}))
		return list(&seen)(tx)
	})
	ok(errors.Is(err, ErrForbidden) && strings.Contains(err.Error(), "not a member"),
		"eve is refused at the statement after the end of her membership")
}
