class CreateNotes < ActiveRecord::Migration[7.2]
  def up
    create_table :notes, id: :uuid, default: -> { "casnet.uuid_v7()" } do |t|
      t.uuid :record_id, null: false
      t.text :body, null: false
      t.timestamps default: -> { "now()" }
    end
    # adds tenant_id, policies and privileges, and returns the statements that are left to do
    select_values("SELECT unnest(casnet.protect('app.notes'))").each { |statement| execute(statement) }
    add_index :notes, %i[tenant_id record_id]
    execute <<~SQL   # a superuser has granted REFERENCES
      ALTER TABLE notes ADD FOREIGN KEY (record_id, tenant_id)
          REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE
    SQL
  end

  def down
    execute "SELECT casnet.unprotect('app.notes')"
    drop_table :notes
  end
end
