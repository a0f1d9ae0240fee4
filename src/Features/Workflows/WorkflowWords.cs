using System.Text.Json;

namespace Hive.Features.Workflows;

/// <summary>The words that definitions use for the members of an enumeration, as on the wire.</summary>
internal static class WorkflowWords
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
