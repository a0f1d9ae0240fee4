using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Denies a pending approval, with an optional reason; the manager gets both as a message.</summary>
internal static class DenyApproval
{
    internal sealed record Command(long Id, string? Note = null) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("approval");
            RuleFor(c => c.Note).MustBeText(Limits.BodyBytes);
        }
    }

    internal sealed class Handler(Decisions decisions) : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            await decisions.Deny(command.Id, command.Note);
            return Done.Instance;
        }
    }
}
