# Runs the method of an `rb>` task inside the user's own interpreter (operators 4.5).
#
#     ruby -I WORKSPACE [-r FEATURE] -- runner.rb COMMAND INPUT OUTPUT
#
# COMMAND is `method` or `Name::Space::Class.method`. INPUT is JSON: `params`. OUTPUT gets `subtask_config`,
# `export_params`, `store_params` and, after a failure of the method, `error` with `class`, `message` and `backtrace`.
# Standard library only, Ruby 2.5 and later.

require "json"

module Digdag
  # `Digdag.env`: what the workflow gives to a task and what it takes back.
  class Env
    attr_reader :params, :subtask_config, :export_params, :store_params, :state_params

    def initialize(params)
      @params = params
      @subtask_config = {}
      @export_params = {}
      @store_params = {}
      @state_params = {}
      @subtask_index = 0
    end

    # Accepted and dropped, as Digdag does.
    def set_state(**params)
      @state_params.merge!(params)
      nil
    end

    # Set params for the subtasks of this task.
    def export(**params)
      @export_params.merge!(params)
      nil
    end

    # Set params for all tasks after this one.
    def store(**params)
      @store_params.merge!(params)
      nil
    end

    # Add a task: `add_subtask(keys)`, `add_subtask(method, params)` or `add_subtask(class, method, params)`.
    def add_subtask(*given)
      task = given.last.is_a?(Hash) ? given.pop : nil
      task = (task || {}).merge("rb>" => command(*given)) unless given.empty? && task
      begin
        JSON.generate(task)
      rescue JSON::JSONError => error
        raise ArgumentError, "Parameters must be serializable using JSON: #{error.message}"
      end
      @subtask_config["+subtask#{@subtask_index}"] = task
      @subtask_index += 1
      nil
    end

    private

    def command(owner = nil, method)
      return method.to_s if owner.nil?
      return "::#{owner}.#{method}" if owner.respond_to?(method) || owner.method_defined?(method)

      raise ArgumentError, "#{owner} has no public method '#{method}'"
    end
  end

  class << self
    attr_accessor :env
  end
end

# The runner; nothing of it is a method of the user's objects.
module DigdagRunner
  module_function

  # The method that `command` names, ready to be called with its arguments.
  def find(command, params)
    path, separator, name = command.rpartition(".")
    return bind(TOPLEVEL_BINDING.receiver.method(name), name, params) if separator.empty?

    owner = Object.const_get(path)
    is_own = owner.singleton_methods.include?(name.to_sym) || !owner.method_defined?(name)
    return bind(owner.method(name), command, params) if is_own

    create = bind(owner.method(:new), "#{path}.new", params, owner.instance_method(:initialize).parameters)
    positional, keywords = arguments(owner.instance_method(name).parameters, command, params)
    -> { create.call.public_send(name, *positional, **keywords) }
  end

  def bind(callable, title, params, parameters = callable.parameters)
    positional, keywords = arguments(parameters, title, params)
    -> { callable.call(*positional, **keywords) }
  end

  # The arguments of a method by name out of `params`: a list and a hash. One that takes `**keywords` gets all params.
  def arguments(parameters, title, params)
    positional = []
    keywords = {}
    given = true
    parameters.each do |kind, name|
      key = name.to_s
      if %i[req keyreq].include?(kind) && !params.key?(key)
        raise ArgumentError, "Method '#{title}' requires parameter '#{key}' but not set"
      end

      case kind
      when :req
        positional << params[key]
      when :opt # one can only be passed if all before it are
        given &&= params.key?(key)
        positional << params[key] if given
      when :keyreq, :key
        keywords[name] = params[key] if params.key?(key)
      when :keyrest
        keywords = params.transform_keys(&:to_sym).merge(keywords)
      end
    end
    [positional, keywords]
  end

  def main(command, source, target)
    Digdag.env = Digdag::Env.new(JSON.parse(File.read(source, encoding: "UTF-8"))["params"])
    call = find(command, Digdag.env.params)
    failure = nil
    begin
      call.call
    rescue StandardError, ScriptError, SystemStackError => error
      failure = error
    end
    env = Digdag.env
    result = { subtask_config: env.subtask_config, export_params: env.export_params, store_params: env.store_params }
    result[:error] = describe(failure) if failure
    File.write(target, JSON.generate(result))
    raise failure if failure
  end

  # An error as OUTPUT holds it.
  def describe(error)
    message = error.message.to_s.encode("UTF-8", invalid: :replace, undef: :replace).scrub
    { class: error.class.to_s, message: message, backtrace: error.backtrace }
  end
end

DigdagRunner.main(*ARGV)
