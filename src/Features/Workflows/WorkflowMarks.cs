using Hive.Common.Yaml;

namespace Hive.Features.Workflows;

/// <summary>Where the parts of a workflow stand in its text, for errors about several of them.</summary>
internal sealed class WorkflowMarks
{
    public Dictionary<string, YamlMark> Phases { get; } = [];

    public Dictionary<string, YamlMark> Columns { get; } = [];

    public List<(string Phase, string To, YamlMark At)> Transitions { get; } = [];

    public Dictionary<string, YamlMark> Next { get; } = [];

    public Dictionary<string, YamlMark> Status { get; } = [];

    public Dictionary<string, YamlMark> OnFail { get; } = [];

    public Dictionary<string, YamlMark> Auto { get; } = [];

    public List<(string Column, string Phase, YamlMark At)> Mapping { get; } = [];

    public List<(string Phase, string Type, string On, YamlMark At)> Depends { get; } = [];

    public List<(string Phase, string Type, YamlMark At)> Artifacts { get; } = [];
}
