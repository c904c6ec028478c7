import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** The records of the tenant of a transaction.  No statement names the tenant's id. */
public final class Records {
    public record Record(UUID id, String title, OffsetDateTime createdAt) {}

    public record Task(UUID id, String title, String priority, String status) {}

    public record Hit(UUID record, String title, String snippet, double rank) {}

    private interface Row<T> {
        T of(ResultSet row) throws SQLException;
    }

    private final Connection connection;

    public Records(Connection connection) {
        this.connection = connection;
    }

    /** The newest records, after the last one of the page before. */
    public List<Record> page(int size, Record last) throws SQLException {
        if (last == null) {
            return query("SELECT id, title, created_at FROM casnet.records"
                    + " ORDER BY created_at DESC, id DESC LIMIT ?", Records::record, size);
        }
        return query("SELECT id, title, created_at FROM casnet.records WHERE (created_at, id) < (?, ?)"
                + " ORDER BY created_at DESC, id DESC LIMIT ?", Records::record, last.createdAt(), last.id(), size);
    }

    /** A new record with tags; tags that are missing are made. */
    public UUID create(String title, String content, String... tags) throws SQLException {
        UUID id = query("INSERT INTO casnet.records (title, content) VALUES (?, ?) RETURNING id",
                row -> row.getObject(1, UUID.class), title, content).get(0);
        query("SELECT casnet.tag_record(?, VARIADIC ?)", row -> row.getInt(1),
                id, connection.createArrayOf("text", tags));
        return id;
    }

    public List<String> tags(UUID record) throws SQLException {
        return query("SELECT t.name FROM casnet.record_tags AS rt"
                + " JOIN casnet.tags AS t ON t.tenant_id = rt.tenant_id AND t.id = rt.tag_id"
                + " WHERE rt.record_id = ? ORDER BY t.name", row -> row.getString(1), record);
    }

    public List<Record> tagged(String... tags) throws SQLException {
        return query("SELECT id, title, created_at FROM casnet.records"
                + " WHERE id IN (SELECT casnet.records_tagged(all_of => ?))"
                + " ORDER BY created_at DESC, id DESC", Records::record, connection.createArrayOf("text", tags));
    }

    public List<Task> tasks(UUID record) throws SQLException {
        return query("SELECT id, title, priority, status FROM casnet.tasks WHERE record_id = ? ORDER BY id",
                row -> new Task(row.getObject(1, UUID.class), row.getString(2), row.getString(3), row.getString(4)),
                record);
    }

    /** The id of a tag, made if it is missing. */
    public UUID tag(String name) throws SQLException {
        return query("INSERT INTO casnet.tags (name) VALUES (?)"
                + " ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name RETURNING id",
                row -> row.getObject(1, UUID.class), name).get(0);
    }

    /** The best hits, after the last one of the page before. */
    public List<Hit> search(String words, int size, Hit last) throws SQLException {
        return query("SELECT record_id, title, snippet, rank"
                + " FROM casnet.search_records(?, ?, after_rank => ?, after_id => ?)",
                row -> new Hit(row.getObject(1, UUID.class), row.getString(2), row.getString(3), row.getDouble(4)),
                words, size, last == null ? null : last.rank(), last == null ? null : last.record());
    }

    private static Record record(ResultSet row) throws SQLException {
        return new Record(row.getObject(1, UUID.class), row.getString(2), row.getObject(3, OffsetDateTime.class));
    }

    private <T> List<T> query(String sql, Row<T> make, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                List<T> all = new ArrayList<>();
                while (rows.next()) {
                    all.add(make.of(rows));
                }
                return all;
            }
        }
    }
}
