import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/** Uses Cases and Records as ada, eve and bob do, and looks at what they get. */
public final class Example {
    private static final String CHILD = "Child Services";
    private static final String ADULT = "Adult Services";

    private static void ok(boolean passed, String what) {
        System.out.println((passed ? "ok " : "not ok ") + what);
    }

    /** The error that the work ends with, if it is of that class, otherwise null. */
    private static <E extends Cases.Refused> E refused(Class<E> kind, Runnable work) {
        try {
            work.run();
            return null;
        } catch (Cases.Refused error) {
            return kind.isInstance(error) ? kind.cast(error) : null;
        }
    }

    private static String one(Connection connection, String sql, Object... values) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            try (var rows = statement.executeQuery()) {
                rows.next();
                return rows.getString(1);
            }
        }
    }

    private static List<String> titles(Connection connection) throws SQLException {
        return new Records(connection).page(100, null).stream().map(Records.Record::title).toList();
    }

    private static String user(Cases cases, String name) {
        return cases.transaction(c -> one(c, "SELECT user_id FROM casnet.find_user(?)", name));
    }

    public static void main(String[] arguments) {
        String url = arguments[0];
        try (Cases cases = new Cases(url, "example_backend", 2, Cases.Proof.USER_ID);
                Cases single = new Cases(url, "example_backend", 1, Cases.Proof.USER_ID);
                Cases web = new Cases(url, "example_web", 2, Cases.Proof.TOKEN)) {
            String ada = user(cases, "ada");
            String bob = user(cases, "bob");
            String eve = user(cases, "eve");
            reading(cases, ada);
            writing(cases, ada, eve);
            tokens(web);
            pool(single, ada, bob);
            revoking(cases, ada, eve);
        }
    }

    private static void reading(Cases cases, String ada) {
        var signIn = refused(Cases.SignIn.class, () -> cases.transaction(Example::titles));
        ok(signIn != null && signIn.getMessage().equals("nobody is signed in") && signIn.hint != null,
                "without an identity there is an error with a hint");
        ok(cases.as(ada, CHILD, Example::titles).equals(
                List.of("Visit 5", "Visit 4", "Visit 3", "Visit 2", "Visit 1")),
                "ada sees the records of her tenant, and no others");
        ok(refused(Cases.Refused.class, () -> cases.as(ada, ADULT, Example::titles)) != null,
                "she cannot choose the tenant of somebody else");

        List<String> pages = new ArrayList<>();
        Records.Record last = null;
        for (int page = 0; page < 3; page++) {
            Records.Record from = last;
            var found = cases.as(ada, CHILD, c -> new Records(c).page(2, from));
            found.forEach(r -> pages.add(r.title()));
            last = found.get(found.size() - 1);
        }
        ok(pages.equals(List.of("Visit 5", "Visit 4", "Visit 3", "Visit 2", "Visit 1")), "pages by (created_at, id)");

        var first = cases.as(ada, CHILD, c -> new Records(c).search("parent*", 1, null));
        var second = cases.as(ada, CHILD, c -> new Records(c).search("parent*", 1, first.get(0)));
        ok(first.get(0).snippet().contains("<b>parents</b>") && second.size() == 1
                && !second.get(0).record().equals(first.get(0).record()), "search with snippets, and its next page");
        ok(cases.as(ada, CHILD, c -> {
            var records = new Records(c);
            return records.tasks(records.page(5, null).get(4).id());
        }).get(0).title().equals("Call the school"), "the tasks of a record");
    }

    private static void writing(Cases cases, String ada, String eve) {
        UUID id = cases.as(ada, CHILD, c -> new Records(c).create("From Java", "Over JDBC.", "java", "urgent"));
        ok(cases.as(ada, CHILD, c -> new Records(c).tags(id)).equals(List.of("java", "urgent")),
                "a new record has its tags");
        ok(cases.as(ada, CHILD, c -> new Records(c).tagged("java", "urgent")).get(0).id().equals(id),
                "records by tags, of this tenant only");
        ok(cases.as(ada, CHILD, c -> new Records(c).tag("urgent")).equals(
                cases.as(ada, CHILD, c -> new Records(c).tag("urgent"))), "upsert of a tag by (tenant_id, name)");
        var forbidden = refused(Cases.Forbidden.class,
                () -> cases.as(eve, CHILD, c -> new Records(c).create("By a viewer", "")));
        ok(forbidden != null && forbidden.getMessage().contains("create_records"),
                "a viewer may not write, and the message names the permission");
    }

    private static void tokens(Cases web) {
        String token = web.transaction(c -> one(c, "SELECT casnet.login(?, ?)", "bob", "correct horse battery"));
        ok(web.as(token, ADULT, Example::titles).equals(List.of("Secret of Adult Services")),
                "bob signs in with a token");
        ok(refused(Cases.SignIn.class, () -> web.transaction(
                c -> one(c, "SELECT casnet.login(?, ?)", "bob", "wrong password"))) != null, "a wrong password");
        ok(refused(Cases.SignIn.class, () -> web.transaction(Example::titles)) != null,
                "after it nobody is signed in");
    }

    /** One connection, so that each transaction meets what the one before has left. */
    private static void pool(Cases single, String ada, String bob) {
        Set<String> connections = new HashSet<>();
        boolean right = true;
        for (int turn = 0; turn < 20; turn++) {   // pgjdbc prepares a statement on the server at its 5th use
            boolean even = turn % 2 == 0;
            List<String> seen = single.as(even ? ada : bob, even ? CHILD : ADULT, Example::titles);
            right &= seen.contains("Secret of Adult Services") != even;
            right &= refused(Cases.SignIn.class, () -> single.transaction(Example::titles)) != null;
            connections.add(single.transaction(c -> one(c, "SELECT pg_backend_pid()")));
        }
        ok(right && connections.size() == 1, "two users take turns on one connection, also after errors");
        single.transaction(c -> {
            try (Statement statement = c.createStatement()) {
                return statement.execute("SET casnet.user_id = '" + ada + "'");   // the mistake: no LOCAL
            }
        });
        ok(refused(Cases.SignIn.class, () -> single.transaction(Example::titles)) != null,
                "a user set for the session is gone at the next request");
        ok(single.transaction(c -> one(c, "SELECT pg_backend_pid()")).equals(connections.iterator().next()),
                "on the same connection");
    }

    private static void revoking(Cases cases, String ada, String eve) {
        var forbidden = refused(Cases.Forbidden.class, () -> cases.as(eve, CHILD, c -> {
            titles(c);
            cases.as(ada, CHILD, other -> one(other, "SELECT casnet.remove_member('eve')"));
            return titles(c);
        }));
        ok(forbidden != null && forbidden.getMessage().contains("not a member"),
                "eve is refused at the statement after the end of her membership");
    }
}
