using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using MediatR;

namespace Hive.Features.Making;

/// <summary>
/// Makes an agent in one step: its configuration with driver, model and role, its first message, and its start. The
/// operator needs nobody's approval; the manager asks with <c>request_spawn</c>.
/// </summary>
internal static class MakeAgent
{
    private const int ModelBytes = 200;
    private const int RoleBytes = 32 << 10;
    private const int MaxWords = 100;
    private const int WordBytes = 4096;

    internal sealed record Command(
        string Name,
        [property: Description("claude, command or scripted; without it the host's default driver.")]
            string? Driver = null,
        [property: Description("The driver's own name for a model; without it the driver's default.")]
            string? Model = null,
        [property: Description("The agent's prompt, at most 32 KiB, or the name of an example in GET /api/drivers.")]
            string? Role = null,
        [property: Description("Sent to the agent as the operator's first message; at most 4096 bytes.")]
            string? FirstMessage = null,
        [property: Description("For the driver command: the program and its arguments.")]
            IReadOnlyList<string>? CommandLine = null,
        [property: Description("The kind of container; without it the host's default.")] string? Runtime = null
    ) : IRequest<Result>
    {
        /// <summary>The same with null for what a form sends as an empty text.</summary>
        public Command WithoutBlanks() =>
            this with
            {
                Driver = Given(Driver),
                Model = Given(Model)?.Trim(),
                Role = Given(Role),
                FirstMessage = Given(FirstMessage),
                Runtime = Given(Runtime),
                CommandLine = CommandLine is [] ? null : CommandLine,
            };

        private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
    }

    /// <param name="Name">The agent.</param>
    /// <param name="Runtime">The kind of its container.</param>
    /// <param name="Running">It was started.</param>
    /// <param name="Note">Why it does not run, or a weakness of its container.</param>
    internal sealed record Result(string Name, string Runtime, bool Running, string? Note = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Name)
                .Custom(
                    (name, context) =>
                    {
                        if (names.Fault(name) is { } fault)
                            context.AddFailure(fault);
                    }
                );
            RuleFor(c => c.Driver)
                .Must(driver => string.IsNullOrWhiteSpace(driver) || Drivers.All.Contains(driver))
                .WithMessage($"'driver' must be one of {string.Join(", ", Drivers.All)}");
            RuleFor(c => c.Model).MustBeText(ModelBytes);
            RuleFor(c => c.Role).MustBeText(RoleBytes, _ => "put the rest into files that the agent reads");
            RuleFor(c => c.FirstMessage)
                .MustBeText(Hive.Protocol.Limits.BodyBytes, _ => "put it in a file and send its path");
            RuleFor(c => c.CommandLine)
                .Must(command => command is null || command.Count <= MaxWords)
                .WithMessage(
                    $"'command_line' has more than {MaxWords} words, which is the limit; put them into a script"
                );
            RuleForEach(c => c.CommandLine).MustBeText(WordBytes);
            RuleFor(c => c)
                .Must(c => c.Driver != Drivers.Command || c.CommandLine is [{ Length: > 0 }, ..])
                .WithMessage(
                    "the driver 'command' runs a program of yours for each turn; name it in 'command_line', such as "
                        + "[\"my-agent\", \"--once\"]"
                );
        }
    }

    internal sealed class Handler(IAgentLifecycle lifecycle, IOutbox outbox, IFileReferences references)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var chosen = command.WithoutBlanks();
            var runtime = await lifecycle.ChooseRuntime(chosen.Runtime, cancellationToken);
            var found = chosen.FirstMessage is { } text ? await references.ScanAs(Principals.Operator, text) : [];
            var spawned = await lifecycle.Spawn(
                chosen.Name,
                runtime,
                new AgentSetup(
                    FirstConfiguration.Of(chosen),
                    // In the same write, so that the agent never exists without its first message.
                    write =>
                    {
                        if (chosen.FirstMessage is { } body)
                            outbox.Append(write, Principals.Operator, chosen.Name, body, found);
                    }
                )
            );
            return new Result(chosen.Name, runtime, spawned.Running, spawned.Note);
        }
    }
}
