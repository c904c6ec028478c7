# One small application in one file of settings; a large one has them in the usual places.
require "rails"
require "active_record/railtie"
require "action_controller/railtie"

class Example < Rails::Application
  config.load_defaults 7.2
  config.eager_load = true
  config.secret_key_base = ENV.fetch("SECRET_KEY_BASE") { SecureRandom.hex(64) }
  config.logger = Logger.new(nil)
  config.hosts.clear

  # schema.rb would make casnet's tables again, without policies.  structure.sql has the
  # schemas of schema_search_path (config/database.yml), which are the application's own.
  config.active_record.schema_format = :sql
  config.active_record.dump_schemas = :schema_search_path

  # What somebody set for the session is gone when a connection comes back to the pool.
  ActiveSupport.on_load(:active_record_postgresqladapter) do
    set_callback(:checkin, :before) { execute("SELECT casnet.sign_out()") if connected? }
  end
end
