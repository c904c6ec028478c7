# A table of the application's own, which casnet.protect() protects.
class Note < ActiveRecord::Base
  belongs_to :record, class_name: "Cases::Record"
end
