# The tables of casnet, all in one file to read them together.
module Cases
  # One transaction as a user in a tenant; both end with it.  Give the id of a user whom
  # the application has authenticated, or a token of casnet.login() or of an issuer.
  def self.as(tenant:, user_id: nil, token: nil, &work)
    Base.with_connection do |connection|
      # A transaction within a transaction would change the identity of the outer one.
      raise ArgumentError, "there is a transaction already" if connection.current_transaction.joinable?

      Base.transaction do
        identity = token ? "casnet.sign_in($1, true)" : "set_config('casnet.user_id', $1, true)"
        connection.exec_query("SELECT #{identity}, casnet.use_tenant($2, true)", "Identity",
                              [token || user_id, tenant])
        work.call
      end
    end
  end

  # What the server refused, from an ActiveRecord::StatementInvalid: code, message and hint.
  Refusal = Struct.new(:code, :message, :hint) do
    def self.of(error)
      result = error.cause.result if error.cause.is_a?(PG::Error)
      result && new(result.error_field(PG::Result::PG_DIAG_SQLSTATE),
                    result.error_field(PG::Result::PG_DIAG_MESSAGE_PRIMARY),
                    result.error_field(PG::Result::PG_DIAG_MESSAGE_HINT))
    end

    def sign_in? = %w[28000 28P01].include?(code)
    def forbidden? = code == "42501"
  end

  class Base < ActiveRecord::Base
    self.abstract_class = true
    self.record_timestamps = false   # the server has the time

    # An id is unique in all tenants, so it serves as the key of a model.  The server's key
    # is (tenant_id, id): an upsert names it.
    def self.table(name, key: "id", **options)
      self.table_name = "casnet.#{name}"
      self.primary_key = key
    end
  end

  class User < Base
    table "users"
    has_many :memberships, foreign_key: :user_id
    has_many :tenants, through: :memberships
  end

  class Tenant < Base
    table "tenants"
    has_many :memberships, foreign_key: :tenant_id
    has_many :users, through: :memberships
  end

  class Role < Base
    table "roles", key: "name"
    has_many :role_permissions, foreign_key: :role
  end

  class RolePermission < Base
    table "role_permissions", key: %w[role permission]
  end

  class Membership < Base
    table "user_tenants", key: %w[user_id tenant_id]
    belongs_to :user
    belongs_to :tenant
    has_many :permissions, class_name: "UserPermission", foreign_key: %i[user_id tenant_id]
  end

  class UserPermission < Base
    table "user_tenant_permissions", key: %w[user_id tenant_id permission]
  end

  class Person < Base
    table "persons"
    has_many :record_persons, foreign_key: :person_id
    has_many :records, through: :record_persons
  end

  class Record < Base
    table "records"
    self.ignored_columns = %w[search_vector]
    has_many :record_tags, foreign_key: :record_id
    has_many :tags, through: :record_tags
    has_many :record_persons, foreign_key: :record_id
    has_many :persons, through: :record_persons
    has_many :tasks, foreign_key: :record_id
    has_many :calendar_events, foreign_key: :record_id

    scope :newest_first, -> { order(created_at: :desc, id: :desc) }
    scope :after, ->(last) { last ? where("(created_at, id) < (?, ?)", last.created_at, last.id) : all }
    scope :tagged, ->(*names) { where("id IN (SELECT casnet.records_tagged(all_of => ARRAY[?]))", names) }

    # Hits with record_id, title, snippet and rank, the best first.
    def self.search(words, limit: 20)
      find_by_sql([<<~SQL, words, limit])
        SELECT record_id AS id, title, snippet, rank FROM casnet.search_records(?, ?)
      SQL
    end

    # An array in place of a ? is a list, which is what a VARIADIC function takes.
    def tag(*names)
      self.class.with_connection do |connection|
        connection.execute(self.class.sanitize_sql(["SELECT casnet.tag_record(?, ?)", id, names]))
      end
      tags.reset
    end
  end

  class Tag < Base
    table "tags"
    has_many :record_tags, foreign_key: :tag_id
    has_many :records, through: :record_tags
  end

  class RecordTag < Base
    table "record_tags", key: %w[record_id tag_id]
    belongs_to :record
    belongs_to :tag
  end

  class RecordPerson < Base
    table "record_persons", key: %w[record_id person_id]
    belongs_to :record
    belongs_to :person
  end

  class Task < Base
    table "tasks"
    belongs_to :record, optional: true
    belongs_to :assignee, class_name: "User", optional: true
  end

  class CalendarEvent < Base
    table "calendar_events"
    belongs_to :record, optional: true
    belongs_to :series, class_name: "CalendarEvent", optional: true
    has_many :occurrences, class_name: "CalendarEvent", foreign_key: :series_id
  end
end
