using Hive.Common.Doors;
using Hive.Common.Errors;

namespace Hive.Features.Agents.Contracts;

/// <summary>Checks whom an agent may write to and ask, by its configuration.</summary>
internal static class RecipientRules
{
    /// <summary>Refuses a recipient that the caller's configuration does not allow; the operator may write to
    /// everybody.</summary>
    /// <exception cref="Problem">Code <c>forbidden</c>, with the allowed names.</exception>
    public static void MustAllow(this IRoster roster, Caller caller, string to)
    {
        if (caller.Kind != CallerKind.Operator && roster.Find(caller.Name) is { } sender && !sender.MayWriteTo(to))
            throw Problem.Forbidden(
                $"{caller.Name} may not write to '{to}'; allowed: "
                    + string.Join(", ", sender.Recipients!.Append(Principals.Manager).Distinct())
            );
    }
}
