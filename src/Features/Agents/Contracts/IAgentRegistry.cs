using Hive.Common.Errors;

namespace Hive.Features.Agents.Contracts;

/// <summary>Describes agents under the names of <c>/api/v1</c>.</summary>
internal interface IAgentRegistry
{
    /// <summary>The agent of that name, as it is now.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    RegisteredAgent Of(string name);
}
