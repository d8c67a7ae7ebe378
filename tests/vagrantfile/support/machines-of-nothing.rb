# frozen_string_literal: true

# A provider whose machines are a word in a file: what the Vagrantfile does around machines is seen
# without any. Each line of LOG_OF_NOTHING is what happened; FAILING_MACHINE does not boot.
class MachinesOfNothing < Vagrant.plugin("2", :provider)
  def initialize(machine)
    @machine = machine
  end

  def action(name)
    machine = @machine
    step = Class.new do
      define_method(:initialize) { |app, _| @app = app }
      define_method(:call) do |env|
        # In no order.
        sleep(rand(0.3))
        if ENV["FAILING_MACHINE"] == machine.name.to_s
          raise Vagrant::Errors::VMBootBadState, invalid: "nothing"
        end
        File.write(ENV.fetch("LOG_OF_NOTHING"), "#{name} #{machine.name}\n", mode: "a")
        machine.id = name == :destroy ? nil : "nothing"
        @app.call(env)
      end
    end
    Vagrant::Action::Builder.new.tap { |builder| builder.use(step) }
  end

  def state
    known = @machine.id ? :running : :not_created
    Vagrant::MachineState.new(known, known.to_s, known.to_s)
  end
end

class PluginOfNothing < Vagrant.plugin("2")
  name "machines of nothing"
  provider(:nothing, box_optional: true, parallel: true) { MachinesOfNothing }
end
