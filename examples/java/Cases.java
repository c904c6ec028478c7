import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.util.PSQLException;

/** A pool of connections to the cases, and transactions as a user. */
public final class Cases implements AutoCloseable {
    /** How the application says who the user is; the values are bound. */
    public enum Proof {
        /** The id of a user whom this backend has authenticated (casnet_authenticator). */
        USER_ID("SELECT set_config('casnet.user_id', ?, true), casnet.use_tenant(?, true)"),
        /** A token of casnet.login() or of an issuer (casnet_user). */
        TOKEN("SELECT casnet.sign_in(?, true), casnet.use_tenant(?, true)");

        private final String statement;

        Proof(String statement) {
            this.statement = statement;
        }
    }

    /** What is done in a transaction. */
    public interface Work<T> {
        T with(Connection connection) throws SQLException;
    }

    /** What the server refused, in words for the person; the subclasses say what to do. */
    public static class Refused extends RuntimeException {
        public final String hint;

        Refused(PSQLException cause) {
            super(cause.getServerErrorMessage().getMessage(), cause);
            hint = cause.getServerErrorMessage().getHint();
        }
    }

    /** Nobody is signed in, or no longer. */
    public static final class SignIn extends Refused {
        SignIn(PSQLException cause) {
            super(cause);
        }
    }

    /** The user may not do that. */
    public static final class Forbidden extends Refused {
        Forbidden(PSQLException cause) {
            super(cause);
        }
    }

    /** HikariCP has no hook for a connection that is given back, so this clears one that it takes. */
    private static final class Pool extends HikariDataSource {
        Pool(HikariConfig config) {
            super(config);
        }

        @Override
        public Connection getConnection() throws SQLException {
            Connection connection = super.getConnection();
            try (Statement statement = connection.createStatement()) {
                statement.execute("SELECT casnet.sign_out()");
                return connection;
            } catch (SQLException error) {
                connection.close();
                throw error;
            }
        }
    }

    private final Pool pool;
    private final Proof proof;

    public Cases(String url, String role, int size, Proof proof) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setUsername(role);
        config.setMaximumPoolSize(size);
        this.pool = new Pool(config);
        this.proof = proof;
    }

    /** One transaction as a user in a tenant; both end with it. */
    public <T> T as(String who, String tenant, Work<T> work) {
        return transaction(connection -> {
            try (var statement = connection.prepareStatement(proof.statement)) {
                statement.setString(1, who);
                statement.setString(2, tenant);
                statement.execute();
            }
            return work.with(connection);
        });
    }

    /** One transaction in which nobody is signed in, for login() and find_user(). */
    public <T> T transaction(Work<T> work) {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try {
                T result = work.with(connection);
                connection.commit();
                return result;
            } catch (SQLException | RuntimeException error) {
                connection.rollback();
                throw error;
            }
        } catch (PSQLException error) {
            throw translated(error);
        } catch (SQLException error) {
            throw new IllegalStateException(error);
        }
    }

    private static RuntimeException translated(PSQLException error) {
        if (error.getServerErrorMessage() == null) {
            return new IllegalStateException(error);
        }
        switch (error.getSQLState()) {
            case "28000":
            case "28P01":
                return new SignIn(error);
            case "42501":
                return new Forbidden(error);
            default:
                return new Refused(error);
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
