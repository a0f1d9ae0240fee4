using System.Globalization;
using System.Text.Json;
using Hive.Common.Errors;
using Hive.Protocol;
using Microsoft.Extensions.Primitives;

namespace Hive.Common.Doors;

/// <summary>Checks what a REST request says about its sender. The door decides who that is; a request may say the same,
/// and nothing else.</summary>
internal static class ClaimedIdentity
{
    private const string Authority = "authority";

    private static readonly string[] Members =
    [
        Authority,
        "initiated_by",
        "from_agent_id",
        "accepting_agent_id",
        "declining_agent_id",
        "collected_by",
    ];

    /// <summary>Checks the members of a JSON object; anything else is left to those who read it.</summary>
    /// <exception cref="Problem">Code <c>forbidden</c>.</exception>
    public static void Check(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1)
                    continue;
                var member = Named(ref reader);
                if (!reader.Read())
                    return;
                if (member is null)
                    reader.Skip();
                else if (reader.TokenType != JsonTokenType.Null)
                    Check(member, Value(ref reader));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The reading of the request says what is wrong with it.
        }
    }

    /// <summary>Checks the fields of a form or a query.</summary>
    /// <exception cref="Problem">Code <c>forbidden</c>.</exception>
    public static void Check(IEnumerable<KeyValuePair<string, StringValues>> fields)
    {
        foreach (var (name, values) in fields)
        {
            if (Members.Contains(name, StringComparer.OrdinalIgnoreCase))
                Check(name, values.ToString());
        }
    }

    private static string? Named(ref Utf8JsonReader reader)
    {
        foreach (var member in Members)
        {
            if (reader.ValueTextEquals(member))
                return member;
        }

        return null;
    }

    private static string? Value(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number))
            return number.ToString(CultureInfo.InvariantCulture);
        if (reader.TokenType != JsonTokenType.String)
            return null;
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            // Not UTF-8, and so nobody's name.
            return null;
        }
    }

    private static void Check(string member, string? value)
    {
        if (member == Authority ? value is "4" or "GUARDIAN" : value == Caller.Operator.Name)
            return;
        throw Problem.Forbidden(
            $"'{member}' is not what you are; you are {Caller.Operator.Name} with authority GUARDIAN (4) at this door; "
                + "leave it out (an agent's own socket speaks for that agent)"
        );
    }
}
